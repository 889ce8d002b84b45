"""Everyday words for options, in addition to their names, that a goal may use."""

from agentic_styling.utils.package_data import read_beside

SYNONYMS: dict[str, dict[str, str]] = read_beside(__file__, "literal_words.json")

# What a goal asks to keep: (regular expression, tool, option).
_KEEP = r"\b(?:keep|keeping|leave|preserve)\b[^.,;]*\b"
CONSTRAINTS = (
    (_KEEP + r"colou?rs?\b", "preserve_attribute", "color"),
    (_KEEP + r"(?:light|lighting|brightness)\b", "preserve_attribute", "lighting"),
    (_KEEP + r"(?:textures?|details?)\b", "preserve_attribute", "texture"),
    (r"\bleft half\b", "exclude_region", "left_half"),
    (r"\bright half\b", "exclude_region", "right_half"),
    (r"\b(?:top|upper) half\b", "exclude_region", "top_half"),
    (r"\b(?:bottom|lower) half\b", "exclude_region", "bottom_half"),
    (r"\b(?:centre|center|middle)\b", "exclude_region", "center"),
)
