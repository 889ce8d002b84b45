"""How far an option moves a picture along its own dimension's attributes and along others."""

import itertools
from typing import NamedTuple

import numpy as np

from agentic_styling.rewards.attributes import ATTRIBUTES, attributes, thumbnails
from agentic_styling.tools import AUTO, DIMENSIONS
from agentic_styling.utils.package_data import read_beside

STEPS = np.array([attribute.step for attribute in ATTRIBUTES.values()])
# A CIE 1976 difference of 2.3 is just noticeable between adjacent patches (Mahy et al. 1994). This
# is a root mean square over a whole picture, so a little more.
COLOR_STEP = 3.0
_SAME = 0.02  # steps: rounding

# What each dimension is meant to move, and why: names of attributes, or of groups of them. Where
# chroma may move, so may the share of the picture that is strongly green or orange; where black may
# be lifted, so may the dark channel.
_TABLES = read_beside(__file__, "independence.json")


def _attributes(names: str) -> tuple[str, ...]:
    return tuple(" ".join(_TABLES["groups"].get(name, name) for name in names.split()).split())


# dimension: (the attributes that it is meant to move, the reason)
OWN = {n: (_attributes(d["own"]), d["because"]) for n, d in _TABLES["dimensions"].items()}
OWN_MASK = {
    name: np.array([attribute in own for attribute in ATTRIBUTES]) for name, (own, _) in OWN.items()
}

# What `between_dimensions` says, in words.
BETWEEN = (
    "How far the options of a row's dimension move a picture along the own attributes of the "
    "column's dimension, in visible steps on average. Off the diagonal, attributes that belong to "
    "both dimensions are left out."
)


class Measured(NamedTuple):
    """Of P pictures: their attributes in visible steps [P, K], and thumbnails [P, 64, 64, 3]."""

    steps: np.ndarray
    thumbnails: np.ndarray


def measure(pictures: list[np.ndarray]) -> Measured:
    """Measures pictures float32 [H, W, 3] in [0, 1] of any shapes."""
    rows = [np.asarray(attributes(picture[None])) / STEPS for picture in pictures]
    small = [np.asarray(thumbnails(picture[None])) for picture in pictures]
    return Measured(np.concatenate(rows), np.concatenate(small))


class Movement(NamedTuple):
    """How an option moves photographs, in visible steps.

    mean: [K], signed, over the photographs. own, other: length of the movement along the
    dimension's own attributes and along all others. foreign, foreign_steps: the attribute that
    moves most among the others, and how far. visible: total distance from the photograph.
    """

    mean: np.ndarray
    own: float
    other: float
    foreign: str
    foreign_steps: float
    visible: float


def movement(dimension: str, before: Measured, after: Measured) -> Movement:
    """How an option of `dimension` moves the photographs."""
    change = after.steps - before.steps
    size, own = np.abs(change).mean(0), OWN_MASK[dimension]
    foreign = list(ATTRIBUTES)[int(np.argmax(np.where(own, -1.0, size)))]
    return Movement(
        change.mean(0),
        float(np.linalg.norm(size[own])),
        float(np.linalg.norm(size[~own])),
        foreign,
        float(change.mean(0)[list(ATTRIBUTES).index(foreign)]),
        distance(before, after),
    )


def distance(one: Measured, other: Measured) -> float:
    """How different two renderings look, in visible steps, averaged over the photographs.

    The larger of the colour difference and of the attribute that differs most.
    """
    color = ((one.thumbnails - other.thumbnails) ** 2).sum(-1).mean((1, 2)) ** 0.5 / COLOR_STEP
    named = np.abs(one.steps - other.steps).max(1)
    return float(np.maximum(color, named).mean())


class Alike(NamedTuple):
    """Values of a parameter that look alike: how far apart they are, in visible steps."""

    parameter: str
    values: tuple[str, ...]
    apart: float


def alike(parameter: str, labels: list[str], rows: list[Measured]) -> list[Alike]:
    """Values that give the same picture, and then pairs less than a visible step apart.

    "auto" equals one of the other values, so it is left out. Of values that give the same picture
    only the first is compared with others.
    """
    same: dict[int, list[int]] = {}
    for i in (i for i, label in enumerate(labels) if label != AUTO):
        twin = next((first for first in same if distance(rows[first], rows[i]) < _SAME), i)
        same.setdefault(twin, []).append(i)
    equal = [
        Alike(parameter, tuple(labels[i] for i in group), 0.0)
        for group in same.values()
        if len(group) > 1
    ]
    pairs = [
        Alike(parameter, (labels[i], labels[j]), distance(rows[i], rows[j]))
        for i, j in itertools.combinations(same, 2)
    ]
    return equal + sorted((pair for pair in pairs if pair.apart < 1), key=lambda pair: pair.apart)


class Measurements:
    """Movements of the target options, and values that look alike.

    moved: dimension -> {option: Movement}; alike: tool.parameter -> groups that look alike.
    """

    def __init__(self):
        self.moved: dict[str, dict[str, Movement]] = {}
        self.alike: dict[str, list[Alike]] = {}

    def add(self, section, before: Measured, rows: list[Measured]) -> None:
        """Adds the rows of a section; source options are ways back and are not compared."""
        labels = [row.label for row in section.rows]
        if section.kind == "target":
            self.moved[section.tool] = {
                label: movement(section.tool, before, row)
                for label, row in zip(labels, rows, strict=True)
            }
        if section.kind != "source":
            self.alike[section.name] = alike(section.name, labels, rows)

    def options(self) -> list[tuple[str, str, Movement]]:
        """(dimension, option, Movement) of every target option."""
        return [
            (d, option, m) for d, options in self.moved.items() for option, m in options.items()
        ]

    def idle(self) -> list[tuple[str, str, Movement]]:
        """The options that move the photographs by less than a visible step."""
        return [item for item in self.options() if item[2].visible < 1]

    def offenders(self) -> list[tuple[str, str, Movement]]:
        """The options, ordered by how far they move an attribute outside their dimension."""
        return sorted(self.options(), key=lambda item: -abs(item[2].foreign_steps))


def between_dimensions(moved: dict[str, dict[str, Movement]]) -> np.ndarray:
    """[10, 10] steps: how far a row's options move the own attributes of a column's dimension.

    Off the diagonal, attributes that the row's dimension shares are left out. Rows of dimensions
    that were not measured are NaN.
    """
    table = np.full((len(DIMENSIONS), len(DIMENSIONS)), np.nan)
    for i, row in enumerate(DIMENSIONS):
        if row not in moved:
            continue
        means = np.abs([m.mean for m in moved[row].values()])
        for j, column in enumerate(DIMENSIONS):
            mask = OWN_MASK[row] if i == j else OWN_MASK[column] & ~OWN_MASK[row]
            table[i, j] = np.linalg.norm(means[:, mask], axis=1).mean()
    return table
