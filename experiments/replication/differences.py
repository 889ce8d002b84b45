"""Numbers of the committed rows: values by run and case, differences with intervals, verdicts."""

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from agentic_styling.evaluation.bootstrap import Interval, nested_bootstrap_mean
from agentic_styling.utils.errors import InputError, nearest

BOTH = ("reward", "held_out_reward")
# What a claim says of its differences -> whether an interval agrees.
DIRECTIONS: dict[str, Callable[[Interval], bool]] = {
    "above": lambda i: i.low > 0,
    "below": lambda i: i.high < 0,
    "zero": lambda i: i.low <= 0 <= i.high,
    "not above": lambda i: i.low <= 0,
}
HOLDS, FAILS, UNKNOWN = "holds", "does not hold", "not measured"


class Rows:
    """The rows of all cells. Raises InputError if a row is there twice."""

    def __init__(self, rows: Sequence[dict]):
        self.rows = rows
        self.photos = {}
        self._with_trials = {row["cell"] for row in rows if "chosen" in row["tables"]}
        self._values: dict[tuple, dict] = {}
        for row in rows:
            case = row["behaviour"]["set"], row["case"]
            self.photos[case] = row["photo"]
            if row["tables"] == ["former"]:  # of any number of choices that no longer hold
                continue
            for table in row["tables"] or ("chosen", "equal"):
                which = row["cell"], row["method"], row["control"], table, row["temperature"]
                own = self._values.setdefault(which, {})
                if own.setdefault((row["seed"], case), row) is not row:
                    raise InputError(f"{which}: seed {row['seed']}, case {case[1]}: twice")

    def difference(
        self, expression: str, score: str, temperature: int, table: str
    ) -> Interval | None:
        """The mean of an expression of terms, as "main/R - main/S", over seeds and cases.

        A term is CELL/METHOD or CELL/METHOD:CONTROL; " - " and " + " join terms, which are paired
        by seed and case. A method without training has the same values for every seed. None if a
        term has no rows, or no seed or case is in all.

        Args:
          score: a field of the rows, such as "reward".
          table: "chosen" or "equal"; of a cell without trials always "equal". A control has one.
        """
        names, signs = terms_of(expression)
        terms = [self._term(name, score, temperature, table) for name in names]
        if not all(terms):
            return None
        by_seed = [{seed for seed, _ in term} for term in terms]
        seeds = sorted(set.intersection(*([s for s in by_seed if s != {None}] or [{None}])))
        terms = [_every_seed(t, seeds) if {s for s, _ in t} == {None} else t for t in terms]
        kept = [{case for seed, case in term if seed == s} for term in terms for s in seeds]
        cases = sorted(set.intersection(*kept)) if kept else []
        if not cases:
            return None
        values = sum(
            sign * np.array([[term[seed, case] for case in cases] for seed in seeds])
            for sign, term in zip(signs, terms, strict=True)
        )
        return nested_bootstrap_mean(values, [self.photos[case] for case in cases])

    def _term(self, term: str, score: str, temperature: int, table: str) -> dict:
        """The values of a term by (seed, case)."""
        cell, _, method = term.partition("/")
        method, _, control = method.partition(":")
        table = control or (table if cell in self._with_trials else "equal")
        own = self._values.get((cell, method, control, table, temperature), {})
        return {key: row[score] for key, row in own.items() if score in row}

    def cells(self) -> list[str]:
        """The names of all cells."""
        return sorted({row["cell"] for row in self.rows})

    def tables(self, cell: str) -> list[str]:
        """The tables of a cell: "chosen", "equal" or both."""
        own = {table for row in self.rows if row["cell"] == cell for table in row["tables"]}
        return sorted(own & {"chosen", "equal"})

    def about(self, cell: str, table: str) -> str:
        """What a table of a cell is of, in words."""
        rows = [row for row in self.rows if row["cell"] == cell]
        rates = {r["settings"]["learning_rate"] for r in rows if table in r["tables"]}
        rate = "rates chosen in validation" if table == "chosen" else f"all at {rates.pop():g}"
        seeds = {row["seed"] for row in rows} - {None}
        cases = {(row["case"], row["photo"]) for row in rows}
        photos = {photo for _, photo in cases}
        return f"{rate}; {len(seeds)} seeds, {len(cases)} cases of {len(photos)} photographs"

    def methods(self, cell: str, table: str) -> list[tuple[str, str]]:
        """The methods of a cell with their controls, which are at chosen rates if there are any."""
        rows = [row for row in self.rows if row["cell"] == cell]
        known = {(row["method"], row["control"]) for row in rows}
        with_controls = table == "chosen" or cell not in self._with_trials
        return sorted((name, control) for name, control in known if with_controls or not control)


def terms_of(expression: str) -> tuple[list[str], list[int]]:
    """The terms of an expression, and the sign of each."""
    parts = re.split(r" ([+-]) ", expression)
    return parts[::2], [1, *(1 if sign == "+" else -1 for sign in parts[1::2])]


def _every_seed(term: Mapping, seeds: Sequence[int]) -> dict:
    return {(seed, case): value for (_, case), value in term.items() for seed in seeds}


def score_claim(rows: Rows, claim: Mapping) -> tuple[str, list[tuple[str, int, list]]]:
    """A claim's verdict, and of each expression and temperature the intervals of both rewards.

    claim: {says, refuted_by, direction, expressions, temperatures, table}. All differences have to
    agree with the direction; of "any above", those of one expression. Raises InputError for an
    unknown direction.
    """
    direction, some = claim["direction"], claim["direction"] == "any above"
    if not some and direction not in DIRECTIONS:
        raise InputError(f"direction {direction!r}: {nearest(direction, DIRECTIONS)}")
    agrees = DIRECTIONS["above" if some else direction]
    found, held = [], []
    for expression in claim["expressions"]:
        own = []
        for temperature in claim.get("temperatures", (0, 1)):
            table = claim.get("table", "chosen")
            both = [rows.difference(expression, score, temperature, table) for score in BOTH]
            found.append((expression, temperature, both))
            own += both
        held.append(None if None in own else all(map(agrees, own)))
    if some and True in held:
        return HOLDS, found
    if None in held:
        return UNKNOWN, found
    return HOLDS if all(held) else FAILS, found


def winners(rows: Rows, cells: Sequence[str], methods: Sequence[str]) -> dict[str, str]:
    """The method with the highest greedy reward in each cell where all were measured."""
    best = {}
    for cell in cells:
        means = {m: rows.difference(f"{cell}/{m}", "reward", 0, "chosen") for m in methods}
        if None not in means.values():
            best[cell] = max(means, key=lambda m: means[m].mean)
    return best
