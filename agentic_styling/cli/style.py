"""Restyle photographs: `agentic-styling style`."""

from pathlib import Path

import jax
import numpy as np
from PIL import Image
from tqdm import tqdm

from agentic_styling.data import read_photo
from agentic_styling.evaluation.report.film_strip import film_strip
from agentic_styling.planner import Planner, check_temperature
from agentic_styling.tools import Plan, encode_plans, execute_steps
from agentic_styling.utils.errors import InputError


def style(
    photos: list[str],
    out: Path,
    *,
    goal: str | None = None,
    planner: str | None = None,
    plan: str | None = None,
    temperature: float = 0.0,
    seed: int = 0,
) -> list[Plan]:
    """Plan and execute an edit of each photograph.

    Writes three files for each into `out`: NAME.png, the result; NAME.plan.json, the plan, which
    `plan` executes again; NAME.strip.jpg, a film strip with the reason under each step.

    Args:
      photos: files.
      out: a folder, created if missing.
      goal: what the photographs should become; needed with `planner`.
      planner: directory of a planner.
      plan: file of a plan to execute instead.
      temperature: of the planner's sampling; 0 takes the most likely tokens.
      seed: of the sampling and of the tools.

    Returns:
      One plan per photograph.

    Raises:
      InputError: an input cannot be read, or an output file exists.
    """
    if (plan is None) == (planner is None) or (planner and not goal):
        raise InputError("style: give --planner and --goal, or --plan alone")
    check_temperature(temperature, "--temperature")
    pictures = {Path(name).stem: read_photo(name) for name in photos}
    if len(pictures) < len(photos):
        raise InputError("style: two photographs share a name; style them into two directories")
    for name in pictures:
        if (out / f"{name}.png").exists():
            raise InputError(f"{out / name}.png: exists already; move it or choose another --out")
    if plan is not None:
        plans = [read_plan(plan)] * len(pictures)
    else:
        images, goals = list(pictures.values()), [goal] * len(pictures)
        samples = Planner.from_pretrained(planner).plan(
            images, goals, temperature=temperature, seed=seed
        )
        plans = [first for first, *_ in samples]
    out.mkdir(parents=True, exist_ok=True)
    rows = zip(pictures.items(), plans, strict=True)
    for (name, pixels), chosen in tqdm(rows, total=len(plans), desc="style"):
        images = jax.numpy.asarray(pixels, jax.numpy.float32)[None] / 255
        frames = execute_steps(images, encode_plans([chosen]), jax.random.key(seed))[0]
        frames = np.asarray((frames[: len(chosen.resolved) + 1] * 255).round(), np.uint8)
        Image.fromarray(frames[-1]).save(out / f"{name}.png")
        (out / f"{name}.plan.json").write_text(chosen.to_json() + "\n", encoding="utf-8")
        film_strip(frames, chosen, goal).save(out / f"{name}.strip.jpg", quality=90)
        print(f"{out / name}.png")
    return plans


def read_plan(path: str) -> Plan:
    """Read a plan file. Raises InputError naming the file."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); give a plan's JSON file") from error
    try:
        return Plan.from_json(text)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
