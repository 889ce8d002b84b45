"""Trajectories on disk.

A directory holds
  manifest.json        version, count, contexts, sha256 of trajectories.jsonl, settings
  trajectories.jsonl   one trajectory a line: every field of Trajectory but the pixels, which
                       `image_sha256` stands for; `plan` and the steps of `request` are objects
                       as in a plan's JSON
  images/ID.png        the picture of context ID, RGB, shared by that context's plans
It is written beside its place and renamed, so it is there whole or not at all.
"""

import hashlib
import io
import json
import os
import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from agentic_styling.data.photos.photos import to_png
from agentic_styling.data.storage.records import no_split, read_set
from agentic_styling.data.storage.shards import is_finished
from agentic_styling.data.trajectory import SPLITS, Trajectory
from agentic_styling.tools import Plan
from agentic_styling.utils.atomic import atomic_directory, sync
from agentic_styling.utils.errors import InputError, nearest

VERSION = 1
MANIFEST, ROWS, IMAGES = "manifest.json", "trajectories.jsonl", "images"
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_MEND = "restore the file or generate the trajectories again"
_FIELDS = {
    "id": str,
    "context_id": str,
    "split": str,
    "photo": str,
    "image_sha256": str,
    "state": dict,
    "goal": str,
    "theme": str,
    "explicit": bool,
    "request": list,
    "plan": dict,
    "reward": (int, float),
    "scores": dict,
    "provenance": dict,
}


def write_trajectories(
    directory, trajectories: Sequence[Trajectory], settings: dict | None = None
) -> None:
    """Write a directory of trajectories, whole or not at all.

    A directory that was written with the same `settings` (any JSON object) is left as it is; any
    other that is not empty raises InputError, and nothing in it changes.
    """
    directory, settings = Path(directory), settings or {}
    if is_written(directory, settings):
        return
    with atomic_directory(directory) as beside:
        (beside / IMAGES).mkdir()
        hashes = {}
        for trajectory in trajectories:
            name = trajectory.context_id
            if name not in hashes:
                data = to_png(trajectory.image)
                hashes[name] = hashlib.sha256(data).hexdigest()
                _write(_image_path(beside, name), data)
        lines = [_row(t, hashes[t.context_id]) for t in trajectories]
        rows = "".join(line + "\n" for line in lines).encode()
        _write(beside / ROWS, rows)
        manifest = {
            "version": VERSION,
            "count": len(lines),
            "contexts": len(hashes),
            "sha256": hashlib.sha256(rows).hexdigest(),
            "settings": settings,
        }
        _write(beside / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())
        for folder in (beside / IMAGES, beside):
            sync(folder)
    sync(directory.absolute().parent)


def is_written(directory, settings: dict) -> bool:
    """Whether `directory` holds trajectories of these settings, False if it is missing or empty.

    Raises InputError for a directory that holds anything else.
    """
    directory = Path(directory)
    if not directory.exists():
        return False
    if not directory.is_dir():
        raise InputError(f"{directory}: is a file; give another place for the trajectories")
    if not any(directory.iterdir()):
        return False
    found = _read_manifest(directory)["settings"]
    settings = json.loads(json.dumps(settings))
    for name in sorted(found.keys() | settings.keys()):
        if found.get(name) != settings.get(name):
            raise InputError(
                f"{directory}: holds trajectories with {name}={found.get(name)!r}, asked for "
                f"{settings.get(name)!r}; give another directory or remove this one"
            )
    return True


def read_trajectories(
    directory,
    split: str | None = None,
    *,
    contexts: Collection[str] | None = None,
    image: bool = True,
    edited: bool = False,
) -> list[Trajectory]:
    """Read a directory of trajectories, or of a set (shards.py), checking that it is as written.

    split: "train", "validation" or "test"; contexts: ids; None for all. image, edited: whether
    pictures are read (edited ones are kept by sets alone); of other splits and contexts none are.
    Raises InputError for a split that is not there, and naming the file, the line and the field
    that is not as it was written.
    """
    directory = Path(directory)
    if split is not None and split not in SPLITS:
        raise InputError(f"{directory}: split={split!r} is not known; {nearest(split, SPLITS)}")
    if is_finished(directory):
        return read_set(directory, split or "all", contexts=contexts, image=image, edited=edited)
    if not directory.is_dir():
        raise InputError(f"{directory}: no such directory of trajectories; generate it first")

    def wanted(of: str, context: str) -> bool:
        return split in (None, of) and (contexts is None or context in contexts)

    every = _read_rows(directory, lambda row: image and wanted(row["split"], row["context_id"]))
    if split is not None and all(t.split != split for t in every):
        raise InputError(f"{directory}: {no_split(split, {t.split for t in every})}")
    return [t for t in every if wanted(t.split, t.context_id)]


def _read_rows(directory: Path, shown: Callable[[dict], bool]) -> list[Trajectory]:
    """Every line, with the pictures of those that are `shown`."""
    manifest = _read_manifest(directory)
    path = directory / ROWS
    try:
        data = path.read_bytes()
    except OSError:
        raise InputError(f"{path}: missing; generate the trajectories again") from None
    trajectories, images = [], {}
    for number, line in enumerate(data.splitlines(), 1):
        trajectories.append(_parse(directory, line, f"{path}, line {number}", images, shown))
    if len(trajectories) != manifest["count"]:
        raise InputError(
            f"{path}: {len(trajectories)} lines, but {MANIFEST} says count={manifest['count']}; "
            "the file was cut short or added to, generate the trajectories again"
        )
    if hashlib.sha256(data).hexdigest() != manifest["sha256"]:
        raise InputError(
            f"{path}: its sha256 is not that of {MANIFEST}; the file was edited, restore it or "
            "generate the trajectories again"
        )
    return trajectories


def _row(trajectory: Trajectory, image_sha256: str) -> str:
    values = vars(trajectory) | {
        "image_sha256": image_sha256,
        "plan": json.loads(trajectory.plan.to_json()),
        "request": [{"tool": s.tool, "parameters": s.parameters} for s in trajectory.request],
    }
    row = {name: values[name] for name in _FIELDS}
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _parse(directory: Path, line: bytes, where: str, images: dict, shown) -> Trajectory:
    """One line as a Trajectory. `images` collects the pictures by context, of `shown` rows."""
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InputError(f"{where}: not JSON ({error}); {_MEND}") from None
    if not isinstance(row, dict) or row.keys() != _FIELDS.keys():
        keys = row.keys() if isinstance(row, dict) else set()
        field = min(keys ^ _FIELDS.keys(), default="row")
        raise InputError(f"{where}: field {field!r} is missing or not known; {_MEND}")
    for name, kind in _FIELDS.items():
        if not isinstance(row[name], kind):
            raise InputError(f"{where}: {name}={row[name]!r} is of the wrong type; {_MEND}")
    for name in ("id", "context_id"):
        if not _SAFE_NAME.fullmatch(row[name]):
            raise InputError(f"{where}: {name}={row[name]!r} is not a plain name; {_MEND}")
    if not 0 <= row["reward"] <= 5:  # also refuses NaN
        raise InputError(f"{where}: reward={row['reward']!r} is not within 0 to 5; {_MEND}")
    sha256, context = row.pop("image_sha256"), row["context_id"]
    if context not in images:
        pixels = _read_image(directory, context, sha256, where) if shown(row) else None
        images[context] = sha256, pixels
    if images[context][0] != sha256:
        raise InputError(f"{where}: image_sha256 differs within {context}; {_MEND}")
    try:
        plan = Plan.from_json(row["plan"])
        request = Plan.from_json({"context": row["state"], "steps": row["request"]}).steps
    except InputError as error:
        raise InputError(f"{where}: plan, state or request: {error}") from None
    return Trajectory(**row | {"image": images[context][1], "plan": plan, "request": request})


def _image_path(directory: Path, context: str) -> Path:
    return directory / IMAGES / f"{safe_name(context)}.png"


def safe_name(context: str) -> str:
    """A context's id, which may be a file's name. Raises InputError if it may not."""
    if not _SAFE_NAME.fullmatch(context):
        raise InputError(f"context_id={context!r}: not a plain name; use letters, digits, - _ .")
    return context


def _read_image(directory: Path, context: str, sha256: str, where: str) -> np.ndarray:
    path = _image_path(directory, context)
    if not path.resolve().is_relative_to(directory.resolve()):
        raise InputError(f"{where}: {path} leads out of {directory}; put the picture itself there")
    try:
        data = path.read_bytes()
    except OSError:
        raise InputError(f"{where}: {path} is missing; {_MEND}") from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise InputError(f"{where}: {path} is not the picture of image_sha256; {_MEND}")
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image.convert("RGB"))


def _read_manifest(directory: Path) -> dict:
    path = directory / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
    except OSError:
        raise InputError(
            f"{directory}: has no {MANIFEST}, so it holds no trajectories; give another directory"
        ) from None
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}); {_MEND}") from None
    kinds = {"version": int, "count": int, "contexts": int, "sha256": str, "settings": dict}
    for name, kind in kinds.items():
        if not isinstance(manifest, dict) or not isinstance(manifest.get(name), kind):
            raise InputError(f"{path}: field {name!r} is missing or of the wrong type; {_MEND}")
    if manifest["version"] != VERSION:
        raise InputError(
            f"{path}: version={manifest['version']}, this program reads {VERSION}; "
            "generate the trajectories again"
        )
    return manifest


def _write(path: Path, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
