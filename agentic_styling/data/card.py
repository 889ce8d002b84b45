"""The card of a set: what it holds, counted from its shards, where it is from, how to read it."""

import json
from collections import Counter
from collections.abc import Sequence

import numpy as np

from agentic_styling.data.shards import NAME, SETTINGS, SetDirectory, total
from agentic_styling.data.sources import Source
from agentic_styling.errors import InputError

CARD = "README.md"
MOST = 12  # rows of a table of many


def write_card(directory: SetDirectory, source: Source, photos: dict[str, np.ndarray]) -> None:
    """Write README.md and what makes the shards a data set."""
    text = card(directory, source, photos)
    beside = directory.path / f".{CARD}"
    beside.write_text(text)
    beside.rename(directory.path / CARD)
    directory.finish(text.partition("\n\n")[2].partition("\n\n")[0])


def card(directory: SetDirectory, source: Source, photos: dict[str, np.ndarray]) -> str:
    """The card as Markdown."""
    by_split = {split: directory.counts(split) for split in directory.shards}
    every = [c for counts in by_split.values() for c in counts]
    settings = json.loads((directory.path / SETTINGS).read_text())
    splits = [
        (
            split,
            f"{sum(c['records'] for c in counts):,}",
            f"{len(total(counts, 'contexts')):,}",
            len(total(counts, "photos")),
            len(total(counts, "themes")) or "-",
            _share(total(counts, "good")["4 or more"], sum(c["records"] for c in counts)),
        )
        for split, counts in by_split.items()
    ]
    steps, rejects = total(every, "steps"), total(every, "rejects")
    records = sum(c["records"] for c in every)
    if not records:
        told = ", ".join(f"{why}: {n}" for why, n in ranked(rejects, len(rejects)))
        raise InputError(
            f"{directory.path}: no plan of {rejects.total()} could be used ({told}); give another "
            "directory and another teacher"
        )
    low, high = min(map(int, steps)), max(map(int, steps))
    lines = [
        f"# {NAME}/{directory.name}",
        f"{records:,} scored trajectories of {low} to {high} steps, the set "
        f"{directory.name.capitalize()}: pictures in known states, styling goals, plans of "
        "uneven skill, the pictures they make, and rewards from 0 to 5.",
        table(("split", "trajectories", "contexts", "photographs", "themes", "4 or more"), splits),
        "Splits share neither photographs (near duplicates count as one), nor phrasings; some "
        "themes are in test alone.",
        "## Rewards",
        histogram(total(every, "rewards")),
        "## Steps",
        table(("steps", "plans"), [(n, f"{steps[n]:,}") for n in sorted(steps, key=int)]),
        "## Tools",
        table(("tool", "steps"), ranked(total(every, "tools"), 20)),
        "## Options asked for most",
        table(("option", "steps"), ranked(total(every, "options"), MOST)),
    ]
    themes = total(every, "themes")
    if themes:
        lines += [
            f"## Themes: {len(themes)}",
            table(("theme", "trajectories"), ranked(themes, len(themes))),
        ]
    told = ranked(rejects, len(rejects)) if rejects else [("none", 0)]
    skipped = [(f"photograph: {why}", n) for why, n in settings["skipped"].items()]
    lines += [
        "## Left out",
        table(("reason", "number"), told + skipped),
        "## Photographs",
        f"{sum(len(v) for v in photos.values())} from {source.where}. {source.licence}",
        "## Reading",
        f"```python\nimport tensorflow_datasets as tfds\n\n"
        f'rows = tfds.data_source("{NAME}/{directory.name}", data_dir=ROOT, split="train")\n```',
        f"`tfds.load` reads it too, where TensorFlow is installed. Made with `{SETTINGS}`.",
    ]
    return "\n\n".join(lines) + "\n"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "-"


def histogram(rewards: Counter) -> str:
    """Counts of rewards by half points, drawn."""
    most = max(rewards.values())
    bars = [
        f"{low / 2:.1f}-{low / 2 + 0.5:.1f} {rewards[f'{low / 2:.1f}']:7,} "
        + "#" * round(50 * rewards[f"{low / 2:.1f}"] / most)
        for low in range(10)
    ]
    return "```\n" + "\n".join(bar.rstrip() for bar in bars) + "\n```"


def ranked(counts: Counter, most: int) -> list[tuple[str, str]]:
    """The most frequent first; those of one number by name."""
    order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [(name, f"{number:,}") for name, number in order[:most]]


def table(head: Sequence, rows: Sequence[Sequence]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
