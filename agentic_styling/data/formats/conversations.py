"""Export of trajectories as conversations, for other programs that fine-tune.

Aimed at TRL 0.24, LLaMA-Factory 0.9.3 and ms-swift 3.8, by their documentation. A directory holds
  SPLIT.jsonl         a conversation a line: the picture and the goal, and the plan's JSON
  SPLIT_pairs.jsonl   preferences: the best and the worst plan of one picture and goal
  images/             pictures, which the lines name relative to the directory
  dataset_info.json   for LLaMA-Factory, with an entry for each file of lines
In Qwen's chat template the conversations are the prompts of planner/inputs/prompts.py.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from agentic_styling.data.formats.published_export import (
    by_split,
    image_path,
    write_images,
    write_json,
    write_lines,
)
from agentic_styling.data.storage.training_set import best_and_worst
from agentic_styling.data.trajectory import Trajectory
from agentic_styling.utils.atomic import atomic_directory
from agentic_styling.utils.errors import InputError, nearest

# What these programs or the chat template would read as a picture or as the end of a turn.
_SPECIAL = re.compile(r"<\|\w+\|>|<(?:image|video|audio)>")


class _Form(NamedTuple):
    """scored, pair: the row of a trajectory, and of a chosen and a rejected one."""

    scored: Callable[[Trajectory], dict]
    pair: Callable[[Trajectory, Trajectory], dict]


def export_conversations(trajectories: Sequence[Trajectory], directory, form: str) -> None:
    """Writes trajectories as conversations.

    Every row of SPLIT.jsonl also has its id and reward, to filter or weight by. Pairs are chosen as
    by `preference_pairs`.

    Args:
      trajectories: with pictures.
      directory: a new one.
      form: one of FORMS, "trl", "llama-factory" or "ms-swift".

    Raises:
      InputError: the form is unknown, the directory is not new, there are no trajectories, or a
        goal or plan holds a special token of the other program.
    """
    if form not in FORMS:
        raise InputError(f"format {form!r} is not known; {nearest(form, FORMS)}")
    if not trajectories:
        raise InputError(f"{directory}: no trajectories to export; give a set that has some")
    for trajectory in trajectories:
        _check_special(trajectory)
    scored, pair = FORMS[form]
    info = {}
    with atomic_directory(directory) as root:
        write_images(trajectories, root)
        for split, rows in by_split(trajectories).items():
            extra = [{"id": t.id, "reward": float(t.reward)} for t in rows]
            lines = [scored(t) | more for t, more in zip(rows, extra, strict=True)]
            write_lines(root / f"{split}.jsonl", lines)
            info[f"agentic_styling_{split}"] = _entry(f"{split}.jsonl", ranking=False)
            pairs = [pair(rows[best], rows[worst]) for best, worst in _pairs(rows)]
            if pairs:
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


def _pairs(rows: Sequence[Trajectory]) -> np.ndarray:
    numbers: dict[str, int] = {}
    context = np.array([numbers.setdefault(t.context_id, len(numbers)) for t in rows])
    return best_and_worst(np.array([t.reward for t in rows], np.float32), context)


def _message(role: str, content: object) -> dict:
    return {"role": role, "content": content}


def _trl_prompt(t: Trajectory) -> dict:
    return _message("user", [{"type": "image"}, {"type": "text", "text": t.goal}])


def _trl_answer(t: Trajectory) -> dict:
    return _message("assistant", [{"type": "text", "text": t.plan.to_json()}])


def _trl_scored(t: Trajectory) -> dict:
    return {"messages": [_trl_prompt(t), _trl_answer(t)], "images": [image_path(t)]}


def _trl_pair(chosen: Trajectory, rejected: Trajectory) -> dict:
    return {
        "prompt": [_trl_prompt(chosen)],
        "chosen": [_trl_answer(chosen)],
        "rejected": [_trl_answer(rejected)],
        "images": [image_path(chosen)],
    }


def _tagged_prompt(t: Trajectory) -> dict:
    return _message("user", f"<image>{t.goal}")


def _tagged_answer(t: Trajectory) -> dict:
    return _message("assistant", t.plan.to_json())


def _tagged_scored(t: Trajectory) -> dict:
    return {"messages": [_tagged_prompt(t), _tagged_answer(t)], "images": [image_path(t)]}


def _llama_factory_pair(chosen: Trajectory, rejected: Trajectory) -> dict:
    return {
        "messages": [_tagged_prompt(chosen)],
        "chosen": _tagged_answer(chosen),
        "rejected": _tagged_answer(rejected),
        "images": [image_path(chosen)],
    }


def _ms_swift_pair(chosen: Trajectory, rejected: Trajectory) -> dict:
    return _tagged_scored(chosen) | {"rejected_response": rejected.plan.to_json()}


def _entry(file_name: str, *, ranking: bool) -> dict:
    """What dataset_info.json says of a file of lines."""
    columns = {"messages": "messages", "images": "images"}
    if ranking:
        columns |= {"chosen": "chosen", "rejected": "rejected"}
    return {
        "file_name": file_name,
        "formatting": "sharegpt",
        **({"ranking": True} if ranking else {}),
        "columns": columns,
        "tags": {
            "role_tag": "role",
            "content_tag": "content",
            "user_tag": "user",
            "assistant_tag": "assistant",
            "system_tag": "system",
        },
    }


FORMS = {
    "trl": _Form(_trl_scored, _trl_pair),
    "llama-factory": _Form(_tagged_scored, _llama_factory_pair),
    "ms-swift": _Form(_tagged_scored, _ms_swift_pair),
}
