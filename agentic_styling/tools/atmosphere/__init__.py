"""What is between the camera and the scene: air, light, lens, film, and what falls or floats.

Planes [3, H, W] in [0, 1], every parameter traced; sizes are in parts of the shorter side.
"""
