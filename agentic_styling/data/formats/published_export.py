"""Export of trajectories in the form of the published data set.

A directory holds
  SPLIT.jsonl, SPLIT.parquet   the rows of a split, the same in both
  images/CONTEXT.png           pictures, by the rows' image_path
  analysis/CONTEXT.json        what is known of the picture, by analysis_path
target_action_plan and metadata are JSON text, so that every row has the same columns. What the
published form has no field for is in metadata under "agentic_styling".
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from agentic_styling.data.formats.published import OURS
from agentic_styling.data.formats.published_plans import write_published_plan
from agentic_styling.data.trajectory import Trajectory
from agentic_styling.tools import DIMENSIONS, UNKNOWN
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.pictures import to_png


def write_published(splits: dict[str, list[Trajectory]], root: Path) -> None:
    """Writes the files of the published form, but the pictures.

    individual_score and trajectory_avg_reward are the reward; standardized_weight is
    (reward - mean) / std over the split, 0 where all are alike. Raises InputError if pyarrow is
    missing.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise InputError(
            "format 'published': parquet needs pyarrow, which is not installed; "
            "pip install 'agentic-styling[data]'"
        ) from None
    kinds = {str: pyarrow.string(), float: pyarrow.float64()}
    (root / "analysis").mkdir()
    for split, own in splits.items():
        for context, state in {t.context_id: t.state for t in own}.items():
            state = {name: state.get(name, UNKNOWN) for name in DIMENSIONS}
            write_json(root / f"analysis/{context}.json", state)
        rows = _rows(own)
        write_lines(root / f"{split}.jsonl", rows)
        schema = pyarrow.schema([(name, kinds[type(v)]) for name, v in rows[0].items()])
        table = pyarrow.Table.from_pylist(rows, schema)
        pyarrow.parquet.write_table(table, root / f"{split}.parquet")


def image_path(trajectory: Trajectory) -> str:
    """Where `write_images` puts a trajectory's picture, within the directory."""
    return f"images/{trajectory.context_id}.png"


def write_images(trajectories: Sequence[Trajectory], root: Path) -> None:
    """Writes the picture of each context once, as PNG."""
    (root / "images").mkdir()
    for trajectory in {t.context_id: t for t in trajectories}.values():
        (root / image_path(trajectory)).write_bytes(to_png(trajectory.image))


def write_lines(path: Path, rows: Sequence[dict]) -> None:
    """Writes rows as JSON Lines."""
    path.write_text("".join(f"{_text(row)}\n" for row in rows), encoding="utf-8")


def write_json(path: Path, data: dict) -> None:
    """Writes one JSON object, indented."""
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _rows(trajectories: Sequence[Trajectory]) -> list[dict]:
    rewards = np.array([t.reward for t in trajectories])
    std = rewards.std()
    weights = (rewards - rewards.mean()) / std if std else np.zeros(len(rewards))
    return [_row(t, float(w)) for t, w in zip(trajectories, weights, strict=True)]


def _row(trajectory: Trajectory, weight: float) -> dict:
    reasoning = trajectory.provenance.get("reasoning")
    plan = write_published_plan(trajectory.plan, reasoning if isinstance(reasoning, str) else "")
    ours = {
        "context": trajectory.plan.context,
        "request": [{"tool": s.tool, "parameters": s.parameters} for s in trajectory.request],
    }
    fields = ("state", "scores", "split", "photo", "theme", "explicit")
    ours |= {name: getattr(trajectory, name) for name in fields}
    return {
        "id": trajectory.id,
        "image_path": image_path(trajectory),
        "analysis_path": f"analysis/{trajectory.context_id}.json",
        "user_prompt": trajectory.goal,
        "target_action_plan": _text(plan),
        "trajectory_id": trajectory.id,
        "trajectory_avg_reward": float(trajectory.reward),
        "standardized_weight": weight,
        "individual_score": float(trajectory.reward),
        "metadata": _text({OURS: ours}),
    }


def _text(data: dict) -> str:
    return json.dumps(data, ensure_ascii=False, allow_nan=False)
