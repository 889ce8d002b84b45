"""The card of a set: what it holds, counted from its shards, its source, and how to read it."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from agentic_styling.data.goals.sets import read, set_label
from agentic_styling.data.photos.sources import Source
from agentic_styling.data.storage.shards import NAME, SETTINGS, SetDirectory, read_json, totals
from agentic_styling.data.teachers.habits import KINDS
from agentic_styling.utils.errors import InputError

MOST = 12  # rows of a table of many


def card(
    directory: SetDirectory, set_name: str, source: Source, photos: dict[str, np.ndarray]
) -> str:
    """The card of a set whose shards are all there, as Markdown; photos: numbers by split.

    Raises InputError if no plan could be used.
    """
    label = set_label(set_name)
    every = _every(directory)
    if not every["steps"]:
        rejects = every["rejects"]
        reasons = ", ".join(f"{why}: {n}" for why, n in ranked(rejects))
        raise InputError(
            f"{directory.path}: no plan of {rejects.total()} could be used ({reasons}); give "
            "another directory and another teacher"
        )
    held_out = read(set_name)["held_out_share"] > 0
    split = next(iter(directory.shards))
    steps = sorted(map(int, every["steps"]))
    count, *_, good = _row(every)
    lines = [
        f"# {NAME}/{label}",
        f"{count} scored trajectories of {steps[0]} to {steps[-1]} steps, the set "
        f"{label.capitalize()}: pictures in known states, styling goals, plans of varying quality, "
        "the edited pictures, and rewards from 0 to 5.",
        summary(directory),
        "Splits share neither photographs (near duplicates count as one) nor phrasings"
        + ("; some of what test goals ask for is in test only." if held_out else "."),
        *_behaviour(read_json(directory.path / SETTINGS)["teacher"], good),
        "## Tools",
        table(("tool", "steps"), ranked(every["tools"], 20)),
    ]
    if themes := every["themes"]:
        lines += [f"## Themes: {len(themes)}", table(("theme", "trajectories"), ranked(themes))]
    lines += [
        "## Photographs",
        f"{sum(len(v) for v in photos.values())} from {source.where}. {source.licence}",
        "## Reading",
        f"```python\nimport tensorflow_datasets as tfds\n\n"
        f'rows = tfds.data_source("{NAME}/{label}", data_dir=ROOT, split="{split}")\n```',
        f"`tfds.load` reads it too, where TensorFlow is installed. `{SETTINGS}` holds what it was "
        "built with.",
    ]
    return "\n\n".join(lines) + "\n"


def _behaviour(teacher: dict, good: str) -> list[str]:
    """How the scripted teacher behaved, by its settings; good: share of plans at 4 or more."""
    if "skills" not in teacher:
        return []
    skills = ", ".join(f"{skill} ({share:.0%})" for skill, share in teacher["skills"].items())
    lines = ["## Behaviour", f"A script wrote the plans; {good} score 4 or more. Skills: {skills}."]
    if teacher["habits"] and teacher["habit_strength"]:
        rows = [(k, f"{share:.0%}", KINDS[k]) for k, share in teacher["habits"].items()]
        lines += [
            "Habits are systematic mistakes: a key that has one leads to the same mistake in "
            f"every context, in {teacher['habit_strength']:.0%} of a context's plans. The seed "
            "decides which keys have one.",
            table(("habit", "keys that have it", "what it does"), rows),
        ]
    return lines


def summary(directory: SetDirectory) -> str:
    """Counts by split, rewards, steps, options, and what was left out, as Markdown."""
    every = _every(directory)
    splits = [(split, *_row(totals(directory.counts(split)))) for split in directory.shards]
    steps = every["steps"]
    left_out = ranked(every["rejects"]) or [("plans", 0)]
    settings = read_json(directory.path / SETTINGS)
    left_out += [(f"photograph: {why}", n) for why, n in settings["skipped"].items()]
    head = ("split", "trajectories", "contexts", "photographs", "themes", "4 or more")
    lines = [
        table(head, [*splits, ("all", *_row(every))]),
        "## Rewards",
        histogram(every["rewards"]),
        "## Steps",
        table(("steps", "plans"), [(n, f"{steps[n]:,}") for n in sorted(steps, key=int)]),
        "## Options asked for most",
        table(("option", "steps"), ranked(every["options"], MOST)),
        "## Left out",
        table(("reason", "number"), left_out),
    ]
    return "\n\n".join(lines)


def _every(directory: SetDirectory) -> dict[str, Counter]:
    return totals(counts for split in directory.shards for counts in directory.counts(split))


def _row(sums: dict[str, Counter]) -> tuple:
    """Of a table by split."""
    count = sums["rewards"].total()
    return (
        f"{count:,}",
        f"{len(sums['contexts']):,}",
        len(sums["photos"]),
        len(sums["themes"]) or "-",
        f"{sums['good']['4 or more'] / count:.0%}" if count else "-",
    )


def histogram(rewards: Counter) -> str:
    """Counts of rewards by half points, drawn."""
    most = max(rewards.values())
    bars = [
        f"{low / 2:.1f}-{low / 2 + 0.5:.1f} {rewards[f'{low / 2:.1f}']:7,} "
        + "#" * round(50 * rewards[f"{low / 2:.1f}"] / most)
        for low in range(10)
    ]
    return "```\n" + "\n".join(bar.rstrip() for bar in bars) + "\n```"


def ranked(counts: Counter, most: int | None = None) -> list[tuple[str, str]]:
    """The most frequent first; those of one number by name."""
    order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [(name, f"{number:,}") for name, number in order[:most]]


def table(head: Sequence, rows: Sequence[Sequence]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
