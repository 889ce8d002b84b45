"""Writes a planner whose weights are the mean of several planners'.

    python experiments/starter/average.py PLANNER PLANNER --out DIRECTORY

For planners that were trained on from one another, each to the end of its schedule: the mean is
often better than the last of them. What lies beside the weights is that of the first.

Source: Wortsman et al. 2022, "Model soups" (arXiv 2203.05482).
"""

import argparse
from pathlib import Path

import jax
import numpy as np

from agentic_styling.cli.command import one_line_errors, path
from agentic_styling.planner import (
    ImageSettings,
    Tokenizer,
    load_pretrained,
    read_config,
    save_pretrained,
)
from agentic_styling.planner.settings import PlannerSettings
from agentic_styling.utils.atomic import atomic_directory
from agentic_styling.utils.errors import InputError


def average(planners: list[Path], out: Path) -> None:
    """Writes the mean to `out`. Raises InputError unless all have one shape and vocabulary."""
    first = planners[0]
    config, tokens = read_config(first), Tokenizer(first).vocabulary()
    for planner in planners:
        if read_config(planner) != config or Tokenizer(planner).vocabulary() != tokens:
            raise InputError(f"{planner}: its shape or vocabulary is not that of {first}")
    trees = [load_pretrained(planner)[1] for planner in planners]
    mean = jax.tree.map(_mean, *trees)
    with atomic_directory(out) as unfinished:
        save_pretrained(unfinished, config, mean)
        Tokenizer(first).save(unfinished)
        ImageSettings.load(first).save(unfinished)
        PlannerSettings.load(first).save(unfinished)


def _mean(*leaves) -> np.ndarray:
    """In float32, then in the dtype of the leaves."""
    return np.mean([np.asarray(leaf, np.float32) for leaf in leaves], 0).astype(leaves[0].dtype)


@one_line_errors
def main():
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("planners", type=path, nargs="+", metavar="PLANNER")
    parser.add_argument("--out", type=path, required=True)
    args = parser.parse_args()
    average(args.planners, args.out)


if __name__ == "__main__":
    main()
