"""Draws the README's pictures: one photograph under six plans, and one plan step by step.

python experiments/readme/pictures.py
"""

import sys
from pathlib import Path

import jax
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from agentic_styling.cli.style import film_strip
from agentic_styling.data import read_photo
from agentic_styling.tools import Plan, encode_plans, execute_steps

IMAGES = Path(__file__).parents[2] / "docs/images"
PHOTO = IMAGES / "eiffel.jpg"
GOALS = {
    "golden_winter": "golden-hour winter wonderland",
    "rainy_night": "a rainy night",
    "misty_autumn": "a misty autumn morning",
    "thunderstorm": "under a thunderstorm",
    "watercolor": "as a watercolor",
    "roaring_twenties": "a postcard of the 1920s",
}
WIDTH, MARGIN, CAPTION = 400, 12, 30


def main() -> None:
    """Writes before_after.jpg and golden_winter.strip.jpg beside the plans."""
    photo = read_photo(str(PHOTO))
    frames = {name: run(read_plan(name), photo) for name in GOALS}
    tiles = [("the photograph", photo)]
    tiles += [(GOALS[name], shots[-1]) for name, shots in frames.items()]
    grid(tiles).save(IMAGES / "before_after.jpg", quality=88)
    name = next(iter(GOALS))
    strip = film_strip(frames[name], read_plan(name), GOALS[name])
    strip.save(IMAGES / f"{name}.strip.jpg", quality=88)


def read_plan(name: str) -> Plan:
    """The plan of docs/images/NAME.plan.json."""
    return Plan.from_json((IMAGES / f"{name}.plan.json").read_text(encoding="utf-8"))


def run(plan: Plan, photo: np.ndarray) -> np.ndarray:
    """uint8 [T + 1, H, W, 3]: the photograph and the picture after each step."""
    images = np.float32(photo)[None] / 255
    frames = execute_steps(images, encode_plans([plan]), jax.random.key(0))[0]
    return np.asarray((frames[: len(plan.steps) + 1] * 255).round(), np.uint8)


def grid(tiles: list[tuple[str, np.ndarray]], columns: int = 3) -> Image.Image:
    """The first tile alone on the left, the others beside it in rows."""
    height = round(WIDTH * tiles[0][1].shape[0] / tiles[0][1].shape[1])
    font = ImageFont.load_default(17)
    rows = -(-(len(tiles) - 1) // columns)
    size = (
        MARGIN + (columns + 1) * (WIDTH + MARGIN),
        MARGIN + rows * (height + CAPTION + MARGIN),
    )
    page = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(page)
    for number, (title, pixels) in enumerate(tiles):
        row, column = divmod(number - 1, columns) if number else (0, -1)
        left = MARGIN + (column + 1) * (WIDTH + MARGIN)
        top = MARGIN + row * (height + CAPTION + MARGIN)
        if not number:
            top = (size[1] - height - CAPTION) // 2
        picture = Image.fromarray(pixels).resize((WIDTH, height), Image.Resampling.LANCZOS)
        page.paste(picture, (left, top))
        draw.text((left, top + height + 6), title, (40, 40, 45), font)
    return page


if __name__ == "__main__":
    sys.exit(main())
