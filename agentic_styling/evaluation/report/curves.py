"""Training curves and the histogram of the training rewards, reduced for the report."""

import json
from pathlib import Path

import numpy as np

from agentic_styling.utils.errors import InputError

MAX_POINTS = 160


def read_curves(path: Path) -> dict[str, list]:
    """The numbers of a metrics.jsonl as columns: {"step": [...], "loss": [...], ...}.

    Long runs are averaged in equal blocks, to at most 160 points. Where no line of a block has a
    key, its value is None.

    Raises:
      InputError: the file is missing, or a line is not a JSON object with a step.
    """
    if not path.is_file():
        raise InputError(f"curves: {path} does not exist; give the metrics.jsonl of a training run")
    rows = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            row = json.loads(line)
            rows.append({name: float(x) for name, x in row.items() if type(x) in (int, float)})
            rows[-1]["step"]
        except (ValueError, AttributeError, KeyError, OverflowError, RecursionError):
            raise InputError(
                f"{path}, line {number}: not a JSON object with a step; train that method again"
            ) from None
    blocks = np.array_split(np.arange(len(rows)), min(len(rows), MAX_POINTS)) if rows else []
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {name: [_block_mean(rows, block, name) for block in blocks] for name in names}


def _block_mean(rows: list[dict], block: np.ndarray, name: str) -> float | None:
    values = [rows[i][name] for i in block if name in rows[i] and np.isfinite(rows[i][name])]
    return round(float(np.mean(values)), 6) if values else None


def reward_histogram(rewards: list[float], bins: int = 20) -> dict:
    """A histogram over [0, 5], and the shares of rewards of at least 4 and below 3."""
    rewards = np.asarray(rewards, float)
    counts, edges = np.histogram(np.clip(rewards, 0, 5), bins=bins, range=(0, 5))
    return {
        "count": int(rewards.size),
        "counts": counts.tolist(),
        "edges": edges.tolist(),
        "at_least_4": float(np.mean(rewards >= 4)),
        "below_3": float(np.mean(rewards < 3)),
    }
