"""The execution of a plan as one picture: a frame for each step, with its reason."""

import textwrap

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from agentic_styling.tools import VOCABULARY, Plan

FRAME_HEIGHT = 300
MARGIN = 20
REASON_LINES = 6
INK, QUIET, PAPER = (28, 28, 30), (110, 110, 115), (250, 249, 247)


def film_strip(frames: np.ndarray, plan: Plan, goal: str | None = None) -> Image.Image:
    """Frames side by side, with the tool, target and reasoning of each of T steps below.

    frames: uint8 [T + 1, H, W, 3], the photograph and the picture after each step, drawn 300 pixels
    high. goal: the title. Reasons are cut to 6 lines.
    """
    width = max(round(frames.shape[2] * FRAME_HEIGHT / frames.shape[1]), 200)
    title, body = ImageFont.load_default(22), ImageFont.load_default(15)
    captions = [("the photograph", "")] + [
        (
            f"{step.tool}: {step.parameters[VOCABULARY[step.tool].target]}".replace("_", " "),
            step.reasoning,
        )
        for step in plan.resolved_steps
    ]
    columns = max(int(width / 7.6), 12)
    clipped = {"max_lines": REASON_LINES, "placeholder": " ..."}
    wrapped = [
        (textwrap.wrap(a, columns), textwrap.wrap(b, columns, **clipped)) for a, b in captions
    ]
    line = 20
    text_height = line * max(len(a) + len(b) for a, b in wrapped) + MARGIN
    top = MARGIN + (40 if goal else 0)
    size = (MARGIN + len(captions) * (width + MARGIN), top + FRAME_HEIGHT + 12 + text_height)
    strip = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(strip)
    if goal:
        draw.text((MARGIN, MARGIN - 4), f"“{goal}”", INK, title)
    for column, (frame, (head, reason)) in enumerate(zip(frames, wrapped, strict=False)):
        left = MARGIN + column * (width + MARGIN)
        picture = Image.fromarray(frame).resize((width, FRAME_HEIGHT), Image.Resampling.LANCZOS)
        strip.paste(picture, (left, top))
        y = top + FRAME_HEIGHT + 12
        for text, colour in [(t, INK) for t in head] + [(t, QUIET) for t in reason]:
            draw.text((left, y), text, colour, body)
            y += line
    return strip
