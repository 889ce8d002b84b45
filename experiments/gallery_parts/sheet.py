"""A parameter's rows as one picture: options down, photographs across."""

import textwrap

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_LABEL = 190
_GAP = 4


def contact_sheet(labels: list[str], rows: list[list[np.ndarray]]) -> Image.Image:
    """Rows of photographs uint8 [H, W, 3], equally shaped in every row, labelled at the left."""
    height = max(picture.shape[0] for picture in rows[0]) + _GAP
    width = _LABEL + sum(picture.shape[1] + _GAP for picture in rows[0])
    sheet = Image.new("RGB", (width, len(rows) * height), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(15)
    for i, (label, pictures) in enumerate(zip(labels, rows, strict=True)):
        words = "\n".join(textwrap.wrap(label.replace("_", " "), 22))
        draw.multiline_text((6, i * height + 6), words, fill="black", font=font)
        left = _LABEL
        for picture in pictures:
            sheet.paste(Image.fromarray(picture), (left, i * height))
            left += picture.shape[1] + _GAP
    return sheet
