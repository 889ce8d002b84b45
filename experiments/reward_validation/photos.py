"""Which photographs of a folder the reward is calibrated and fitted on, and which validate it.

Groups of photographs, sorted by the hash of their first name, fill the first half until it has half
of the photographs; the other groups validate. In a group are near duplicates, and photographs whose
names differ in digits only, which may be views of one place.
"""

import re

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from agentic_styling.data import build, load_photos
from agentic_styling.data.build import draw_contexts
from agentic_styling.data.photos.photos import Photo
from agentic_styling.data.photos.sources import SCIKIT, near_duplicates, perceptual_hash
from agentic_styling.data.pipeline import Context
from agentic_styling.utils.errors import InputError


def calibration_photos(where) -> list[Photo]:
    """The half of the photographs of a folder to calibrate and fit on."""
    return _halves(where)[0]


def validation_photos(where) -> list[Photo]:
    """The half to validate on; of scikit-image's and -learn's (None), never fitted on, all."""
    return load_photos(SCIKIT) if where is None else _halves(where)[1]


def draw_evenly(photos: list[Photo], count: int, size: int, seed: int) -> list[Context]:
    """Contexts as for training, but each photograph as often as the others, give or take one."""
    order = np.random.default_rng(seed).permutation(len(photos))
    chosen = [photos[order[i % len(photos)]] for i in range(count)]
    seeds = [10_000 * seed + i for i in range(count)]
    drawn = zip(chosen, seeds, strict=True)
    return [draw_contexts([photo], 1, size=size, seed=s)[0] for photo, s in drawn]


def _halves(where):
    photos = load_photos(where)
    halves = [], []
    for group in sorted(_groups(photos), key=lambda group: build._rank(group[0].name)):
        halves[2 * len(halves[0]) >= len(photos)].extend(group)
    if not halves[1]:
        raise InputError(
            f"{where}: its {len(photos)} photographs are of one series or alike, so none are left "
            "to validate on; add others"
        )
    return [sorted(half, key=lambda photo: photo.name) for half in halves]


def _groups(photos) -> list[list[Photo]]:
    """Photographs that must not be on both sides, together."""
    series = np.unique([re.sub(r"\d+(?=\D*$)", "#", p.name) for p in photos], return_inverse=True)[
        1
    ]
    alike = near_duplicates(np.array([perceptual_hash(p.pixels) for p in photos], np.uint64))
    # Connected: the names of a series and of near duplicates, each a vertex.
    places = series, alike + len(photos)
    graph = coo_array((np.ones(len(photos)), places), shape=(2 * len(photos),) * 2)
    group = connected_components(graph, directed=False)[1][series]
    return [[photos[i] for i in np.flatnonzero(group == g)] for g in np.unique(group)]
