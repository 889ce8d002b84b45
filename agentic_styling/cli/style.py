"""Restyle photographs: `agentic-styling style`."""

import contextlib
import json
import os
import textwrap
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from tqdm import tqdm

from agentic_styling.tools import UNKNOWN, Plan, Step, encode_plans, execute_steps
from agentic_styling.tools.executor.api import compiled_quickly
from agentic_styling.utils import checks
from agentic_styling.utils.atomic import atomic_file, write_text
from agentic_styling.utils.checks import NAME_BYTES, output_directory, read_object
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.pictures import SRGB, read_photo

RESULT, PLAN, STRIP = SUFFIXES = (".png", ".plan.json", ".strip.jpg")
A_PLAN = "give the JSON file of a plan"
SMALL = 2_000_000  # pixels; larger pictures take longer to edit than to compile for
# Of a film strip.
FRAME_HEIGHT = 300
WIDEST = 65_000  # pixels
MARGIN = 20
REASON_LINES = 6
INK, QUIET, PAPER = (28, 28, 30), (110, 110, 115), (250, 249, 247)


def style(
    photos: Sequence[str | Path],
    out: str | Path,
    *,
    goal: str | None = None,
    planner: str | Path | None = None,
    plan: str | Path | None = None,
    samples: int = 1,
    temperature: float | None = None,
    seed: int = 0,
    state: str | Path | None = None,
    overwrite: bool = False,
) -> list[Plan]:
    """Plan and execute an edit of each photograph; prints the steps with their reasons.

    Writes three files for each into `out`: NAME.png, the result; NAME.plan.json, the plan and the
    goal, which `plan` executes again; NAME.strip.jpg, a film strip with the reason under each step.

    Args:
      photos: files; the others are the command's options.
      goal: needed unless there is a `plan`, whose file may have one.
      planner: the directory of one; with neither this nor `plan` the starter planner is used.
      samples: plans sampled for each photograph, of which `best_plans` chooses one; why is printed.
      temperature: None is 0, and 1 with several samples.
      state: file of what the photographs show, which a text planner reads in their place: a JSON
        object from the ten dimensions, or some of them, to options.

    Returns:
      One plan per photograph.

    Raises:
      InputError: an input cannot be read, an output file exists or cannot be written. Nothing has
        been written then.
    """
    if plan is not None and planner is not None:
        raise InputError("style: --planner and --plan both give the plan; leave one of them out")
    if plan is None and not goal:
        raise InputError('style: give --goal, as in --goal "a misty dawn", or --plan FILE')
    if plan is not None and samples > 1:
        raise InputError("style: --samples asks a planner and --plan gives the plan; leave one out")
    if temperature is None:
        temperature = 0.0 if samples == 1 else 1.0
    checks.check_temperature(temperature, "--temperature")
    seed, out = checks.check_seed(seed, "--seed"), output_directory(out)
    names = _free_names(photos, out, overwrite)
    reads_state = planner is not None and _modality(planner) == "text"
    if reads_state and state is None:
        raise InputError(
            f"style: {planner} is a text planner, which reads a known state and not the "
            "photograph; give --state FILE"
        )
    if state is not None and not reads_state:
        raise InputError("style: only a text planner reads --state; leave it out")
    known = read_state(state) if state else {}
    pictures, whys = [read_photo(photo) for photo in photos], [""] * len(photos)
    if plan is not None:
        content = read_object(Path(plan), A_PLAN)
        plans = [_plan_in(content, plan)] * len(pictures)
        goal = goal or content.get("goal")
    else:
        from agentic_styling.planner import Planner
        from agentic_styling.rewards import best_plans

        goals, states = [goal] * len(pictures), [known] * len(pictures)
        sampling = {"samples": samples, "temperature": temperature, "seed": seed, "states": states}
        _compile_ahead(pictures[0])
        asked = Planner.starter() if planner is None else Planner.from_pretrained(planner)
        found = best_plans(asked, pictures, goals, **sampling)
        plans = [best.plan for best in found]
        if samples > 1:
            whys = [f"  {best.why()}\n" for best in found]
    out.mkdir(parents=True, exist_ok=True)
    sizes = set()
    bar = tqdm(names, "style")
    for name, pixels, chosen, why in zip(bar, pictures, plans, whys, strict=True):
        if pixels.shape not in sizes:
            sizes.add(pixels.shape)
            height, width, _ = pixels.shape
            tqdm.write(f"{width} x {height}: a new size is compiled once")
        frames = _frames(pixels, chosen, seed)
        frames = (frames[: len(chosen.resolved) + 1] * 255).round().astype(np.uint8)
        _save(Image.fromarray(frames[-1]), out / f"{name}{RESULT}", format="PNG")
        write_text(out / f"{name}{PLAN}", _plan_text(chosen, goal))
        _save(film_strip(frames, chosen, goal), out / f"{name}{STRIP}", format="JPEG", quality=90)
        tqdm.write(f"{out / name}{RESULT}")
        tqdm.write(why, end="")
        for number, step in enumerate(chosen.resolved_steps, 1):
            reason = f" ({step.reasoning})" if step.reasoning else ""
            tqdm.write(f"  {number}. {_words(step)}{reason}")
    return plans


def _frames(pixels: np.ndarray, plan: Plan, seed: int) -> np.ndarray:
    """`execute_steps` of one picture, of which small ones do not wait long for the compiler."""
    with compiled_quickly() if _is_small(pixels) else contextlib.nullcontext():
        frames = execute_steps(pixels[None], encode_plans([plan]), jax.random.key(seed))
    return np.asarray(frames)[0]


def _compile_ahead(pixels: np.ndarray) -> None:
    """Begins to compile, on a free core, what all plans for pictures of this size need."""
    if _is_small(pixels):  # larger ones would take memory beside the planner
        plan = Plan({}, (Step("", "color_grading", {"target_palette": "cool_blue"}),))
        pool = ThreadPoolExecutor(1)
        pool.submit(_frames, pixels, plan, 0)
        pool.shutdown(wait=False)


def _is_small(pixels: np.ndarray) -> bool:
    height, width, _ = pixels.shape
    return height * width <= SMALL


def film_strip(frames: np.ndarray, plan: Plan, goal: str | None = None) -> Image.Image:
    """Frames side by side, with the tool, target and reasoning of each of T steps below.

    frames: uint8 [T + 1, H, W, 3], the photograph and the picture after each step, drawn 300 pixels
    high. goal: the title. Reasons are cut to 6 lines.
    """
    columns = len(plan.resolved_steps) + 1
    shown = max(round(frames.shape[2] * FRAME_HEIGHT / frames.shape[1]), 1)
    shown = min(shown, WIDEST // columns - MARGIN)  # a strip wider than a JPEG may be is squeezed
    width = max(shown, 200)  # of a column, as captions need room
    title, body = ImageFont.load_default(22), ImageFont.load_default(15)
    steps = [(_words(step), step.reasoning) for step in plan.resolved_steps]
    captions = [("the photograph", ""), *steps]
    letters = max(int(width / 7.6), 12)
    clipped = {"max_lines": REASON_LINES, "placeholder": " ..."}
    wrapped = [
        (textwrap.wrap(a, letters), textwrap.wrap(b, letters, **clipped)) for a, b in captions
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
        picture = Image.fromarray(frame).resize((shown, FRAME_HEIGHT), Image.Resampling.LANCZOS)
        strip.paste(picture, (left, top))
        y = top + FRAME_HEIGHT + 12
        for text, colour in [(t, INK) for t in head] + [(t, QUIET) for t in reason]:
            draw.text((left, y), text, colour, body)
            y += line
    return strip


def _words(step: Step) -> str:
    return f"{step.tool}: {step.option}".replace("_", " ")


def _modality(planner: str | Path) -> str:
    from agentic_styling.planner import PlannerSettings

    return PlannerSettings.load(planner).modality


def read_plan(path: str | Path) -> Plan:
    """Read a plan file. Raises InputError naming the file."""
    return _plan_in(read_object(Path(path), A_PLAN), path)


def _plan_in(content: dict, path: str | Path) -> Plan:
    try:
        plan = Plan.from_json(content)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    if not plan.steps:
        warnings.warn(f'{path}: "steps" is empty, so the plan changes nothing', stacklevel=3)
    return plan


def read_state(path: str | Path) -> dict[str, str]:
    """Read a state's file; options that are "unknown" are left out, as in training.

    Raises InputError naming the file.
    """
    state = read_object(Path(path), "give an object of dimensions")
    try:
        context = Plan.from_json({"context": state, "steps": []}).context
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return {name: option for name, option in context.items() if option != UNKNOWN}


def _plan_text(plan: Plan, goal: str | None) -> str:
    kept = {"goal": goal} if goal else {}
    return json.dumps(kept | json.loads(plan.to_json()), ensure_ascii=False, indent=2) + "\n"


def _free_names(photos: Sequence, out: Path, overwrite: bool) -> list[str]:
    """The name of each photograph's outputs. Raises InputError if one cannot be written."""
    names = [Path(photo).stem for photo in photos]
    if len(set(names)) < len(names):
        raise InputError("style: two photographs share a name; style them into two directories")
    for name in names:
        for file in (out / f"{name}{suffix}" for suffix in SUFFIXES):
            if len(os.fsencode(file.name)) > NAME_BYTES:
                raise InputError(f"{file.name}: too long a name; rename the photograph")
            if not os.path.lexists(file):
                continue
            own = [photo for photo in photos if file.exists() and os.path.exists(photo)]
            if any(os.path.samefile(file, photo) for photo in own):
                raise InputError(f"{file}: is a photograph to style; choose another --out")
            if not overwrite or not file.is_file():
                raise InputError(
                    f"{file}: exists already; move it, choose another --out or give --overwrite"
                )
    return names


def _save(image: Image.Image, path: Path, **options) -> None:
    with atomic_file(path) as temporary:
        image.save(temporary, icc_profile=SRGB, **options)
