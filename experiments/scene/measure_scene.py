"""Compares the scene estimate with hand-drawn masks of sky, ground and main subject, and times it.

    python experiments/scene/measure_scene.py PHOTOS --before experiments/results/scene.json

PHOTOS: a folder with the photographs that the masks in tests/tools/executor/scene_masks are named
for. Writes scene.md and scene.json, with the numbers of an earlier scene.json beside the new ones.
"""

import argparse
import json
import os
import platform
import time
from pathlib import Path

import jax
import numpy as np
from PIL import Image
from tqdm import tqdm

from agentic_styling.cli.command import one_line_errors
from agentic_styling.tools.executor.scene_estimate import estimate_scene
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.pictures import read_image

MASKS = Path(__file__).parents[2] / "tests/tools/executor/scene_masks"
CLASSES = {"sky": 1, "ground": 2, "subject": 3}
UNSURE = 4  # a superpixel that holds two of them: not counted
SIZE = (320, 224)  # width and height at which photographs are compared, upright ones turned
TIMED = 512  # pixels of each side of the picture that is timed
# Photographs that show the same thing: views of one campus, of a tower, of tomatoes.
SERIES = ("mvtb_p1070", "mvtb_eiffel", "mvtb_tomato")


def halves() -> dict[str, list[str]]:
    """Names of masks: every other one and all series may be tuned on, the rest only measured."""
    names = sorted(path.stem for path in MASKS.glob("*.png"))
    tuned = [name for i, name in enumerate(names) if i % 2 == 0 or name.startswith(SERIES)]
    return {"tuned on": tuned, "held out": sorted({*names} - {*tuned})}


def counts(scene, mask: np.ndarray) -> dict[str, list[int]]:
    """Pixels of intersection, union, truth and all, of each class, where the truth is sure."""
    sure = mask != UNSURE
    found = {}
    for name, number in CLASSES.items():
        estimated = (np.asarray(getattr(scene, name)) > 0.5) & sure
        true = mask == number
        both, either = estimated & true, estimated | true
        found[name] = [int(x.sum()) for x in (both, either, true, sure)]
    return found


def measure(photos: Path) -> dict[str, dict]:
    """Counts of every photograph that has a mask."""
    estimate = jax.jit(lambda image: estimate_scene(image.transpose(2, 0, 1)))
    rows = {}
    for name in tqdm(sorted(path.stem for path in MASKS.glob("*.png"))):
        mask = Image.open(MASKS / f"{name}.png")
        size = SIZE if mask.width > mask.height else SIZE[::-1]  # two sizes compile, not 26
        files = list(photos.glob(f"{name}.*"))
        if not files:
            raise InputError(f"{photos}: there is no photograph {name}; name the folder it is in")
        photo = Image.fromarray(read_image(files[0])).resize(size, Image.LANCZOS)
        mask = np.asarray(mask.resize(size, Image.NEAREST))
        rows[name] = counts(estimate(np.asarray(photo, np.float32) / 255), mask)
    return rows


def milliseconds() -> float:
    """Processor time of one estimate, the least of 20."""
    image = np.random.default_rng(0).random((3, TIMED, TIMED), np.float32)
    estimate, times = jax.jit(estimate_scene), []
    for _ in range(21):
        start = time.process_time()
        jax.block_until_ready(estimate(image))
        times.append(time.process_time() - start)
    return 1000 * min(times[1:])


def summary(rows: dict[str, dict]) -> dict[str, dict]:
    """For each half and class: IoU of all pixels, the mean of pictures that show the class, and the
    share of pixels taken for it in pictures that do not."""
    result = {}
    for half, names in halves().items():
        for kind in CLASSES:
            table = np.array([rows[name][kind] for name in names], float)
            shown = table[:, 2] > 0
            result[f"{half}, {kind}"] = {
                "iou": table[:, 0].sum() / table[:, 1].sum(),
                "mean_iou": (table[shown, 0] / table[shown, 1]).mean(),
                "photographs": int(shown.sum()),
                "false": table[~shown, 1].sum() / table[~shown, 3].sum(),
            }
    return result


def markdown(found: dict, before: dict, took: float) -> str:
    """The table of scene.md, with the IoU of an earlier summary, if any."""
    lines = [
        "# The scene estimate against hand-drawn masks",
        "",
        f"{platform.machine()}, {os.cpu_count()} cores, jax {jax.__version__}. Photographs at "
        f"{SIZE[0]} x {SIZE[1]} pixels: IoU of all",
        "pixels of a half, the mean of the photographs that show the class, and the share of the",
        "pixels of the others that is taken for it.",
        f"One estimate of {TIMED} x {TIMED} pixels takes {took:.1f} ms of processor time.",
        "",
        "| half, class | IoU | IoU before | mean IoU | before | photographs with it "
        "| false elsewhere | before |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in found.items():
        old = {key: f"{value:.3f}" for key, value in before.get(name, {}).items()}
        iou, mean, false = (
            f"{row[key]:.3f} | {old.get(key, '')}" for key in ("iou", "mean_iou", "false")
        )
        lines.append(f"| {name} | {iou} | {mean} | {row['photographs']} | {false} |")
    return "\n".join(lines) + "\n"


@one_line_errors
def main():
    """Measures, writes and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--out", type=Path, default=Path("experiments/results"))
    parser.add_argument("--before", type=Path, help="an earlier scene.json")
    args = parser.parse_args()
    before = summary(json.loads(args.before.read_text())["rows"]) if args.before else {}
    rows, took = measure(args.photos), milliseconds()
    found = summary(rows)
    args.out.mkdir(parents=True, exist_ok=True)
    stored = {"milliseconds": took, "summary": found, "before": before, "rows": rows}
    (args.out / "scene.json").write_text(json.dumps(stored, indent=1))
    (args.out / "scene.md").write_text(markdown(found, before, took))
    print(markdown(found, before, took))


if __name__ == "__main__":
    main()
