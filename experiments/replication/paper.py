"""The claims of arXiv 2603.07148, as differences of the cells of configs/replicate.py:paper."""

from collections.abc import Iterator

from replication.differences import Rows, winners

SETS, MODALITIES, SIZES = ("simple", "regular", "complex"), ("text", "vision"), ("small", "large")
RL = ("R", "RW", "SW", "D")
CELLS = [f"{name}-{mode}-{size}" for name in SETS for mode in MODALITIES for size in SIZES]
BEST = {  # what is said to be best -> where
    "SW": ("SW is best on compositional text", ("regular-text", "complex-text")),
    "RW": ("RW is best on simple vision", ("simple-vision",)),
    "D": ("DPO is best on diverse themes", ("complex-text", "complex-vision")),
}


def claims() -> Iterator[dict]:
    """Each claim for one cell, see `differences.score_claim`; it is about greedy plans."""
    for cell in CELLS:
        yield _claim("S above E", cell, "above", [f"{cell}/S - {cell}/E"])
    for cell in CELLS:
        yield _claim("RL above S", cell, "any above", [f"{cell}/{m} - {cell}/S" for m in RL])
    for best, (says, where) in BEST.items():
        others = [m for m in ("S", *RL) if m != best]
        for cell in (cell for cell in CELLS if cell.startswith(where)):
            yield _claim(says, cell, "above", [f"{cell}/{best} - {cell}/{m}" for m in others])
    for small in (cell for cell in CELLS if cell.endswith("small")):
        large = small.replace("small", "large")
        gains = [f"{large}/{m} - {small}/{m}" for m in ("S", *RL)]
        yield _claim("larger is better, with every method", large, "above", gains)


def no_single_winner(rows: Rows) -> dict[str, str]:
    """The method with the highest mean reward in each measured cell."""
    return winners(rows, CELLS, ("S", *RL))


def _claim(says: str, cell: str, direction: str, expressions: list[str]) -> dict:
    kind = {"says": f"{cell}: {says}", "direction": direction}
    return kind | {"expressions": expressions, "temperatures": [0]}
