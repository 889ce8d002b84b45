"""Writes the model card of a planner that experiments/pretrain.py trained, beside its weights.

    python experiments/starter/model_card.py runs/base runs/starter

The card of the last workdir is written; those before it are the stages that it started from, of
which the first may have started from a planner of the package. It says what was trained, on which
examples, and how the loss fell; of stages before those, what that planner's own card says.
"""

import argparse
import json
import math
import re
from pathlib import Path

from agentic_styling.cli.command import one_line_errors
from agentic_styling.data.stream import HELD_OUT
from agentic_styling.planner.checkpoints.safetensors_files import open_tensors
from agentic_styling.planner.pretrained import ROOT
from agentic_styling.utils.errors import InputError

ROWS = 10  # of the table of losses
TEXT = """---
license: apache-2.0
pipeline_tag: image-text-to-text
tags: [qwen3_vl, image-styling, jax]
---
# A small planner for agentic_styling

A Qwen3-VL of {parameters:.1f} million parameters with random weights at first, not a model by Qwen.
It reads a photograph and a styling goal and writes a plan of tool calls in JSON.
It knows this project's tools only, English goals, and pictures of {size} x {size} pixels, to which
photographs are resized. Numbers that it reaches are in the project's documentation.

## Data
An endless stream (agentic_styling/data/stream.py): a random crop of a photograph, mirrored or not,
rendered in a random state, a goal, and the plan of the scripted teacher. No example is seen twice.
{held_out} photographs are left out for evaluation (agentic_styling/data/held_out.json).

## Training
`experiments/pretrain.py`: Standard loss, float32, a cosine schedule, a moving average of the
weights; saved as {dtype}.

{stages}
"""


def stage(workdir: Path) -> str:
    """How one stage was trained, and its loss on the way."""
    if not (workdir / "training/metrics.jsonl").is_file():
        raise InputError(f"{workdir}: no run of experiments/pretrain.py; name its workdir")
    config = json.loads((workdir / "config.json").read_text(encoding="utf-8"))
    lines = (workdir / "training/metrics.jsonl").read_text(encoding="utf-8").splitlines()
    metrics = [row for row in map(json.loads, lines) if "loss" in row]
    goals = ", ".join(f"{kind} {weight:g}" for kind, weight in config["goals"].items() if weight)
    done = metrics[-1]["step"]  # a run can be stopped and exported
    wider = config.get("extend_to", 0)
    wider = f" It began with a vocabulary extended to {wider:,} tokens." if wider else ""
    examples = done * config["batch_size"]
    text = (
        f"{done:,} of {config['steps']:,} updates of {config['batch_size']} examples "
        f"({examples:,} in all), "
        f"{config['optimizer']} at {config['learning_rate']:g}, seed {config['seed']}. "
        f"Weights of the kinds of goals: {goals}.{wider}\n\n"
        "| updates | loss, nats a token |\n| --- | --- |"
    )
    size = -(-len(metrics) // ROWS)
    for i in range(0, len(metrics), size):
        part = metrics[i : i + size]
        mean = sum(row["loss"] for row in part) / len(part)
        text += f"\n| up to {part[-1]['step']:,} | {mean:.3f} |"
    return text


def card(workdirs: list[Path]) -> str:
    """The model card of the planner in the last workdir.

    Raises InputError for a folder that is no run, and unless the first stage made its planner or
    started from one of the package.
    """
    texts = [stage(path) for path in workdirs]
    first, last = (
        json.loads((path / "config.json").read_text(encoding="utf-8"))
        for path in (workdirs[0], workdirs[-1])
    )
    before = stages_before(workdirs[0], first["init_from"])
    done = before.count("### Stage ")
    stages = [f"### Stage {done + i}\n{text}" for i, text in enumerate(texts, 1)]
    tensors = open_tensors(workdirs[-1] / "training/planner").values()
    return TEXT.format(
        parameters=sum(math.prod(tensor.get_shape()) for tensor in tensors) / 1e6,
        size=last["picture_size"],
        held_out=len(HELD_OUT),
        dtype=first["model"]["dtype"],
        stages=before + "\n\n".join(stages),
    )


def stages_before(workdir: Path, start: str) -> str:
    """What the card of the planner that a run started from says of its training; "" for none."""
    if not start:
        return ""
    shipped = Path(start).parts[-2:]
    if shipped == (ROOT.name, "base"):
        return "It began with the base planner (`pretrained/base`, see its card).\n\n"
    if shipped != (ROOT.name, "starter"):
        raise InputError(f"{workdir}: started from {start}; name that stage too")
    text = (Path(start) / "README.md").read_text(encoding="utf-8")
    return re.search(r"It began with.*?(?=\n## |\Z)", text, re.DOTALL)[0].rstrip() + "\n\n"


@one_line_errors
def main():
    """Writes README.md into the planner's directory."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("workdirs", type=Path, nargs="+", help="of the stages, in order")
    workdirs = parser.parse_args().workdirs
    path = workdirs[-1] / "training/planner/README.md"
    path.write_text(card(workdirs), encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
