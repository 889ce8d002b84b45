"""color_grading: palettes, with saturation, contrast and temperature."""

from agentic_styling.tools.dimensions.options import Options

LOOKS = Options("color_grading").looks
