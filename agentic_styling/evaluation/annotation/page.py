"""The page on which annotators pass or fail edits and rank the edits of each context.

A page's directory holds
  page.json      the data set, the number of contexts, the seed
  pictures/      the photograph of each context and the edit of each trajectory, PNG
  index.html     the page, which loads nothing but these pictures
  answers/       NAME.jsonl of each annotator, if the page is served (see answers.py)
It shows neither scores nor who wrote a plan.
"""

import itertools
import json
from pathlib import Path

import jax
import numpy as np
from tqdm import tqdm

from agentic_styling.data import Trajectory, read_trajectories
from agentic_styling.data.storage.trajectories import fingerprint
from agentic_styling.evaluation.annotation.answers import Subjects, subjects
from agentic_styling.evaluation.report.markup import Markup, fill, read_template, script_source
from agentic_styling.tools import VOCABULARY, Step, encode_plans, execute
from agentic_styling.utils.atomic import atomic_file, write_text
from agentic_styling.utils.checks import output_directory, read_object
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.pictures import to_png

VERSION = 1
BATCH = 8


def write_page(
    dataset, directory, *, contexts: int = 50, seed: int = 0
) -> tuple[list[Trajectory], Subjects]:
    """Write an annotation page for some contexts of a data set.

    Edits stored in the set are shown as they are; where there are none, the plans are executed.
    If interrupted, call it again with the same arguments: finished pictures are kept.

    Args:
      dataset: directory of the data set.
      directory: where to write; new, empty, or the page of an earlier call.
      contexts, seed: how many to draw, and the seed of the draw and of executing plans.

    Returns:
      The trajectories that are shown, and what can be answered about them.

    Raises:
      InputError: the data set cannot be read, or `directory` holds anything else.
    """
    directory = output_directory(directory)
    every = read_trajectories(dataset, image=False)
    drawn = sample_contexts(every, contexts, seed)
    data = fingerprint(every)
    _claim(directory, {"version": VERSION, "data": data, "contexts": contexts, "seed": seed})
    shown = read_trajectories(dataset, contexts=drawn, edited=True)
    shown.sort(key=lambda t: (t.context_id, t.id))
    known = subjects(data, shown)
    save_pictures(shown, directory / "pictures", seed)
    write_text(directory / "index.html", render(shown, known))
    return shown, known


def sample_contexts(trajectories: list[Trajectory], count: int, seed: int) -> set[str]:
    """The names of `count` randomly drawn contexts; of all, if there are fewer, but not of none."""
    names = sorted({t.context_id for t in trajectories})
    if not names:
        raise InputError("annotate: the data set has no trajectories; build some first")
    order = np.random.default_rng(seed).permutation(len(names))
    return {names[i] for i in order[:count]}


def source_name(context_id: str) -> str:
    """The file name of a context's photograph."""
    return f"source-{context_id}.png"


def edit_name(trajectory_id: str) -> str:
    """The file name of a trajectory's edit."""
    return f"edit-{trajectory_id}.png"


def save_pictures(trajectories: list[Trajectory], folder: Path, seed: int) -> None:
    """Save the photographs and edits that are missing; `seed` is that of executing plans."""
    folder.mkdir(parents=True, exist_ok=True)
    for trajectory in trajectories:
        _save(folder / source_name(trajectory.context_id), trajectory.image)
        if trajectory.edited is not None:
            _save(folder / edit_name(trajectory.id), trajectory.edited)
    _execute([t for t in trajectories if t.edited is None], folder, seed)


def _execute(trajectories: list[Trajectory], folder: Path, seed: int) -> None:
    batches = []
    for shape in dict.fromkeys(t.image.shape for t in trajectories):
        alike = [t for t in trajectories if t.image.shape == shape]
        batches += [alike[start : start + BATCH] for start in range(0, len(alike), BATCH)]
    for number, batch in enumerate(tqdm(batches, desc="edits", unit="batch", leave=False)):
        paths = [folder / edit_name(t.id) for t in batch]
        if all(path.exists() for path in paths):
            continue
        # The last row fills up the last batch, so that all batches have one shape.
        rows = batch + batch[-1:] * (BATCH - len(batch))
        source = jax.numpy.asarray(np.float32([t.image for t in rows]) / 255)
        key = jax.random.fold_in(jax.random.key(seed), number)
        edits = np.asarray(execute(source, encode_plans([t.plan for t in rows]), key))
        for path, edit in zip(paths, edits, strict=False):
            _save(path, np.uint8(np.round(255 * edit)))


def render(trajectories: list[Trajectory], known: Subjects, *, served: bool = False) -> str:
    """The whole page as text; with `served`, answers go to the server, else to the browser."""
    items = {"data": known.data, "served": served, "contexts": _contexts(trajectories)}
    script = "".join(read_template(__file__, name) for name in ("answers.js", "page.js"))
    parts = {
        "script_source": script_source(script),
        "style": Markup(read_template(__file__, "page.css")),
        # Within a script element only "<" could end the data.
        "items": Markup(json.dumps(items, ensure_ascii=False).replace("<", "\\u003c")),
        "script": Markup(script),
    }
    return fill(read_template(__file__, "page.html"), **parts)


def _contexts(trajectories: list[Trajectory]) -> list[dict]:
    """What the page shows of trajectories in the order of their contexts."""
    contexts = []
    for name, edits in itertools.groupby(trajectories, lambda trajectory: trajectory.context_id):
        edits = list(edits)
        contexts.append(
            {
                "id": name,
                "goal": edits[0].goal,
                "source": f"pictures/{source_name(name)}",
                "width": edits[0].image.shape[1],
                "height": edits[0].image.shape[0],
                "edits": [_edit(edit) for edit in edits],
            }
        )
    return contexts


def _edit(trajectory: Trajectory) -> dict:
    return {
        "id": trajectory.id,
        "picture": f"pictures/{edit_name(trajectory.id)}",
        "instruction": trajectory.plan.instruction,
        "steps": [_step(step) for step in trajectory.plan.steps],
    }


def _step(step: Step) -> dict[str, str]:
    """A step in words: its tool, its target, its other parameters and its reason."""
    target = VOCABULARY[step.tool].target
    further = {
        name: value
        for name, value in step.parameters.items()
        if name != target and not name.startswith("source_") and (name, value) != ("strength", 1)
    }
    return {
        "tool": _plain(step.tool),
        "target": _plain(step.parameters.get(target, "")),
        "further": ", ".join(f"{_plain(name)} {_plain(further[name])}" for name in further),
        "reason": step.reasoning,
    }


def _plain(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return f"{value:g}" if isinstance(value, float) else str(value).replace("_", " ")


def _claim(directory: Path, settings: dict) -> None:
    """Write page.json, or check that the one there holds the same settings."""
    path = directory / "page.json"
    if path.exists():
        existing = read_object(path, "choose another --out")
        for name, value in settings.items():
            if existing.get(name) != value:
                raise InputError(
                    f"{directory}: holds a page of {name}={existing.get(name)!r}, asked for "
                    f"{value!r}; choose another --out"
                )
        return
    if directory.exists() and any(directory.iterdir()):
        raise InputError(f"{directory}: is not empty and holds no page; choose another --out")
    directory.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(settings, indent=1) + "\n")


def _save(path: Path, pixels: np.ndarray) -> None:
    if not path.exists():
        with atomic_file(path) as temporary:
            temporary.write_bytes(to_png(pixels))
