"""Export of trajectories as conversations, for other programs that fine-tune.

Aimed at TRL 0.24, LLaMA-Factory 0.9.3 and ms-swift 3.8, by their documentation. A directory holds
  SPLIT.jsonl         a conversation a line: the picture and the goal, and the plan's JSON
  SPLIT_pairs.jsonl   preferences: the best and the worst plan of one picture and goal
  images/             pictures, which the lines name relative to the directory
  dataset_info.json   for LLaMA-Factory, with an entry for each file of lines
In Qwen's chat template the conversations are the prompts of planner/inputs/prompts.py.
"""

import re
from pathlib import Path

import numpy as np

from agentic_styling.data.formats.published_export import image_path, write_json, write_lines
from agentic_styling.data.storage.training_set import best_and_worst
from agentic_styling.data.trajectory import Trajectory
from agentic_styling.utils.errors import InputError

# What these programs or the chat template would read as a picture or as the end of a turn.
_SPECIAL = re.compile(r"<\|\w+\|>|<(?:image|video|audio)>")
FORMS = ("trl", "llama-factory", "ms-swift")


def write_conversations(splits: dict[str, list[Trajectory]], root: Path, form: str) -> None:
    """Writes the files of a form of FORMS, but the pictures.

    Every row of SPLIT.jsonl also has its id and reward, to filter or weight by. Pairs are chosen as
    by `preference_pairs`. Raises InputError for a special token of the other program in a goal or
    plan.
    """
    info = {}
    for split, rows in splits.items():
        for trajectory in rows:
            _check_special(trajectory)
        lines = [_row(form, t) | {"id": t.id, "reward": float(t.reward)} for t in rows]
        write_lines(root / f"{split}.jsonl", lines)
        info[f"agentic_styling_{split}"] = _entry(f"{split}.jsonl", ranking=False)
        rewards = np.array([t.reward for t in rows], np.float32)
        numbers = {name: i for i, name in enumerate(dict.fromkeys(t.context_id for t in rows))}
        contexts = np.array([numbers[t.context_id] for t in rows])
        pairs = best_and_worst(rewards, contexts)
        if len(pairs):
            pairs = [_row(form, rows[best], rows[worst]) for best, worst in pairs]
            write_lines(root / f"{split}_pairs.jsonl", pairs)
            name = f"agentic_styling_{split}_pairs"
            info[name] = _entry(f"{split}_pairs.jsonl", ranking=True)
    if form == "llama-factory":
        write_json(root / "dataset_info.json", info)


def _check_special(trajectory: Trajectory) -> None:
    for name, text in (("goal", trajectory.goal), ("plan", trajectory.plan.to_json())):
        token = _SPECIAL.search(text)
        if token:
            raise InputError(
                f"trajectory {trajectory.id}: {name} holds {token[0]!r}, a special token of the "
                "prompt; leave that trajectory out"
            )


def _row(form: str, chosen: Trajectory, rejected: Trajectory | None = None) -> dict:
    """The row of a trajectory, or of a preference."""

    def message(role: str, words: str, before: str = "") -> dict:
        if form == "trl":
            image = [{"type": "image"}] if before else []
            return {"role": role, "content": [*image, {"type": "text", "text": words}]}
        return {"role": role, "content": f"{before}{words}"}

    prompt = message("user", chosen.goal, "<image>")
    answer = message("assistant", chosen.plan.to_json())
    row = {"messages": [prompt, answer], "images": [image_path(chosen)]}
    if rejected is None:
        return row
    if form == "ms-swift":
        return row | {"rejected_response": rejected.plan.to_json()}
    worse = message("assistant", rejected.plan.to_json())
    if form == "llama-factory":
        return row | {"messages": [prompt], "chosen": answer, "rejected": worse}
    return {"prompt": [prompt], "chosen": [answer], "rejected": [worse], "images": row["images"]}


def _entry(file_name: str, *, ranking: bool) -> dict:
    """What dataset_info.json says of a file of lines."""
    columns = ["messages", "images", *(["chosen", "rejected"] if ranking else [])]
    tags = {f"{name}_tag": name for name in ("role", "content", "user", "assistant", "system")}
    return {
        "file_name": file_name,
        "formatting": "sharegpt",
        **({"ranking": True} if ranking else {}),
        "columns": {name: name for name in columns},
        "tags": tags,
    }
