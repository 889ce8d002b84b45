"""Plans executed by hand: what a careful engineer would write with OpenCV and NumPy.

One photograph at a time, planes float32 [3, H, W]. Nothing is computed that a plan does not ask
for. The looks are graded as `agentic_styling.tools` does, to rounding; what is drawn is of the same
kind and of comparable work, not pixel for pixel the same.
"""
