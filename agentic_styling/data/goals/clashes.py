"""Options that contradict each other, which no goal asks for together: `clashes.json`.

Each row of the file is a pair {dimension: options}, {dimension: options}: an option of the first
contradicts every option of the second that is of another dimension.
"""

from agentic_styling.utils.package_data import read_beside

CLASHES: list[list[dict[str, set[str]]]] = [
    [{name: set(options) for name, options in side.items()} for side in row]
    for row in read_beside(__file__, "clashes.json")
]


def clash(targets: dict[str, str]) -> tuple[str, str] | None:
    """The first two options of `targets` that contradict each other, or None."""
    for one, other in CLASHES:
        for here, there in ((a, b) for a in one for b in other if a != b):
            if targets.get(here) in one[here] and targets.get(there) in other[there]:
                return targets[here], targets[there]
    return None
