"""Token-level inputs of the goldens: four rows [chosen, chosen, rejected, rejected], unequal."""

import math

VOCABULARY, LENGTH, WIDTH = 7, 6, 3

TOKENS = [[1, 2, 3, 4, 5, 6], [2, 2, 0, 6, 0, 0], [1, 2, 6, 3, 6, 0], [2, 2, 5, 4, 6, 0]]
# Prompts of one to three tokens; padding, token 0, also occurs inside of a completion.
COMPLETION = [[0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 0, 0], [0, 0, 1, 1, 1, 0], [0, 0, 0, 1, 1, 0]]
REF_LOGPS = [-7.5, -3.25, -6.0, -4.5]


def made(*shape, seed: int) -> list:
    """An array of shape `shape`, as nested lists of numbers in [-2, 2] of two decimals."""
    if not shape:
        return round(2 * math.sin(12.9898 * seed), 2)
    step = math.prod(shape[1:])
    return [made(*shape[1:], seed=seed + k * step) for k in range(shape[0])]


LOGITS = made(4, LENGTH, VOCABULARY, seed=1)
HIDDEN = made(4, LENGTH, WIDTH, seed=5)
REF_HIDDEN = made(4, LENGTH, WIDTH, seed=301)
EMBEDDING = made(VOCABULARY, WIDTH, seed=77)
REF_EMBEDDING = made(VOCABULARY, WIDTH, seed=501)
