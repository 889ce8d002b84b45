"""A parameter's rows as one picture: options down, photographs across."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_LABEL = 190
_GAP = 4


def contact_sheet(labels: list[str], rows: list[np.ndarray]) -> Image.Image:
    """Rows of photographs uint8 [P, S, S, 3], each with a label at its left."""
    count, side = rows[0].shape[:2]
    width = _LABEL + count * (side + _GAP)
    sheet = Image.new("RGB", (width, len(rows) * (side + _GAP)), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(15)
    for i, (label, pictures) in enumerate(zip(labels, rows, strict=True)):
        top = i * (side + _GAP)
        draw.multiline_text((6, top + 6), _wrap(label), fill="black", font=font)
        for k, picture in enumerate(pictures):
            sheet.paste(Image.fromarray(picture), (_LABEL + k * (side + _GAP), top))
    return sheet


def _wrap(label: str, width: int = 22) -> str:
    lines = [""]
    for word in label.replace("_", "_ ").split(" "):
        if len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] += word if word.endswith("_") else word + " "
    return "\n".join(lines)
