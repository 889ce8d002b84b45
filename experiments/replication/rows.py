"""The committed rows: one for each case, method, seed and temperature of a cell.

A row is {cell, behaviour, setup, method, control, seed, settings, tables, case, photo, temperature,
reward, held_out_reward, valid, regret, ...}. setup: a digest of the behaviour and of what else all
runs of the cell share. seed: None for a method without training. settings: what the method was
trained with; tables: "chosen" on the validation split, "equal" rate, or both; of a control its
name; "former" of a choice that trials have changed since; of what is in every table none. Of a
temperature of 1, rewards are means over the samples of a case, best is the highest reward of them,
entropy and kl (to S) are in nats a token that had an alternative. valid: whether the planner's own
text is a valid plan without the grammar, or, of a method that was not sampled, whether its plan is
valid. Greedy rows also have f1 of the actions and the six parts of the reward.
"""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from agentic_styling.utils.atomic import atomic_file
from agentic_styling.utils.errors import InputError

S = "S"  # what all start from; S+ is S trained as many more updates as the others


def rows_path(out: Path, cell: str) -> Path:
    """The file of a cell's rows."""
    return out / f"{cell}.jsonl.gz"


def read_rows(path: Path) -> list[dict]:
    """The rows of a file; none if it is not there. Raises InputError if it is damaged."""
    if not path.exists():
        return []
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            return [json.loads(line) for line in file]
    except (OSError, EOFError, ValueError) as error:
        raise InputError(f"{path}: damaged ({error}); restore it, or remove it") from error


def write_rows(path: Path, rows: Iterable[dict]) -> None:
    """Writes all rows of a cell, sorted; the same rows give the same bytes."""
    lines = [json.dumps(row, sort_keys=True) for row in sorted(rows, key=_order)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as temporary:
        text = "".join(line + "\n" for line in lines).encode()
        temporary.write_bytes(gzip.compress(text, mtime=0))


def run_key(row: dict) -> tuple:
    """What tells the runs of a cell apart."""
    settings = json.dumps(row["settings"], sort_keys=True)
    return row["method"], row["control"], row["seed"], settings


def _order(row: dict) -> tuple:
    return (*run_key(row), row["temperature"], row["case"])


def rows_of(records: list[dict], name: str, shared: dict) -> list[dict]:
    """The rows of a method, from the records of an evaluation (see evaluation/results.py).

    name: of the method in the records. shared: the fields that all its rows have.
    """
    rows = []
    for record in records:
        entry = record["methods"][name]
        sampled = entry.get("sampled")
        row = shared | {
            "case": record["id"],
            "photo": record["photo"],
            "valid": sampled["valid_unaided"] if sampled else entry["valid"],
        }
        greedy = {"temperature": 0, **_rewards(entry["reward"], entry["held_out_reward"], sampled)}
        greedy["f1"] = _round(entry["actions"]["f1"])
        greedy["parts"] = {part: round(value, 1) for part, value in entry["scores"].items()}
        rows.append(row | greedy)
        if sampled:
            means = [np.mean(sampled[name]) for name in ("reward", "held_out_reward")]
            drawn = {"temperature": 1, **_rewards(*means, sampled)}
            drawn["best"] = _round(max(sampled["reward"]))
            logps, choices = np.sum(sampled["logps"]), max(1, sum(sampled["choices"]))
            drawn["entropy"] = _round(-logps / choices)
            if sampled["standard_logps"]:
                drawn["kl"] = _round((logps - np.sum(sampled["standard_logps"])) / choices)
            rows.append(row | drawn)
    return rows


def _rewards(reward: float, held_out: float, sampled: dict | None) -> dict:
    """Both rewards, and the reward of the best plan of the context minus this one."""
    own = {"reward": _round(reward), "held_out_reward": _round(held_out)}
    return own | ({"regret": _round(sampled["best_of_context"] - reward)} if sampled else {})


def _round(value) -> float:
    return round(float(value), 4)
