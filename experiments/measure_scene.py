"""Compares the scene estimate with hand-drawn masks of sky, ground and main subject.

    python experiments/measure_scene.py PHOTOS --out experiments/results

PHOTOS: a folder with the photographs that the masks in tests/tools/executor/scene_masks are named
for. Writes scene.md and scene.json.
"""

import argparse
import json
import os
import platform
from pathlib import Path

import jax
import numpy as np
from PIL import Image
from tqdm import tqdm

from agentic_styling.data.photos.photos import read_image
from agentic_styling.tools.executor.scene_estimate import estimate_scene
from agentic_styling.utils.errors import InputError, one_line_errors

MASKS = Path(__file__).parents[1] / "tests/tools/executor/scene_masks"
CLASSES = {"sky": 1, "ground": 2, "subject": 3}
UNSURE = 4  # a superpixel that holds two of them: not counted
SIZE = 320  # longer side at which photographs are compared, in pixels


def halves() -> dict[str, list[str]]:
    """Names of masks: every other one may be tuned on, the rest only measured."""
    names = sorted(path.stem for path in MASKS.glob("*.png"))
    return {"tuned on": names[::2], "held out": names[1::2]}


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
        mask = np.asarray(Image.open(MASKS / f"{name}.png"))
        files = list(photos.glob(f"{name}.*"))
        if not files:
            raise InputError(f"{photos}: there is no photograph {name}; name the folder it is in")
        photo = Image.fromarray(read_image(files[0])).resize(mask.shape[::-1], Image.LANCZOS)
        rows[name] = counts(estimate(np.asarray(photo, np.float32) / 255), mask)
    return rows


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


def markdown(found: dict) -> str:
    """The table of scene.md."""
    lines = [
        "# The scene estimate against hand-drawn masks",
        "",
        f"{platform.machine()}, {os.cpu_count()} cores, jax {jax.__version__}. Photographs of "
        f"{SIZE} pixels. IoU of all pixels of a half, the mean of the photographs that show the",
        "class, and the share of the pixels of the others that is taken for it.",
        "",
        "| half, class | IoU | mean IoU | photographs with it | false elsewhere |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, row in found.items():
        numbers = f"{row['iou']:.3f} | {row['mean_iou']:.3f} | {row['photographs']}"
        lines.append(f"| {name} | {numbers} | {row['false']:.3f} |")
    return "\n".join(lines) + "\n"


@one_line_errors
def main():
    """Measures, writes and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--out", type=Path, default=Path("experiments/results"))
    args = parser.parse_args()
    rows = measure(args.photos)
    found = summary(rows)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "scene.json").write_text(json.dumps({"summary": found, "rows": rows}, indent=1))
    (args.out / "scene.md").write_text(markdown(found))
    print(markdown(found))


if __name__ == "__main__":
    main()
