"""A process of the tools' benchmark: one library, which does a row of work for every line read.

    python -m tool_peers.tool_worker SIDE DTYPE

Every line read is the name of a row. The answer gives the seconds per picture, and how the work was
divided; the first answer of a row also prepares it, which takes longer.
"""

import functools
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import timing

from tool_peers import SIDES
from tool_peers.work import BATCH, photographs

_LONGEST = 1.0  # second a call: a slow one does fewer pictures
_SHORTEST = 0.2  # seconds that are timed together: a quick one is called again
_CORES = len(os.sched_getaffinity(0))


def prepare(side, row: str, pictures):
    """(call, pictures a call, how) of a row; None where the side does not have it."""
    method = getattr(side, row, None)
    function = method() if method else None
    if function is None:
        return None
    if side.whole:
        call = functools.partial(function, pictures)
        call()
        return call, BATCH, "a batch"
    once = timing.seconds(lambda: [function(pictures[0]) for _ in range(2)]) / 2
    count = max(1, min(BATCH, int(_LONGEST / once)))
    some = pictures[:count]
    ways = {
        "own threads": lambda: _share_out(function, some, own=True),
        f"{_CORES} threads over pictures": lambda: _share_out(function, some, own=False),
    }
    taken = {how: min(timing.seconds(way) for _ in range(2)) for how, way in ways.items()}
    best = min(taken, key=taken.get)
    return ways[best], count, best


def _share_out(function, pictures, own: bool):
    """A picture after another, with the library's threads or with ours."""
    import cv2

    cv2.setNumThreads(_CORES if own else 1)
    if own:
        return [function(picture) for picture in pictures]
    return list(_pool().map(function, pictures))


@functools.cache
def _pool():
    return ThreadPoolExecutor(_CORES)


def _repeated(call) -> float:
    """Seconds a call, over as many as it takes for a fifth of a second."""
    taken = []
    while sum(taken) < _SHORTEST:
        taken.append(timing.seconds(call))
    return sum(taken) / len(taken)


def main() -> None:
    """Serve rows until the input ends."""
    name, dtype = sys.argv[1:]
    side = SIDES[name](dtype)
    pictures, prepared, current = None, None, None
    for line in sys.stdin:
        try:
            if pictures is None:
                pictures = side.batch(photographs())
            if line != current:
                prepared, current = prepare(side, line.strip(), pictures), line
            answer = {}
            if prepared:
                call, count, how = prepared
                answer = {"seconds": _repeated(call) / count, "how": how}
            if "jax" in sys.modules:
                answer["backend"] = sys.modules["jax"].default_backend()
        except ImportError as error:
            answer = {"missing": str(error)}
        timing.answer(**answer)


if __name__ == "__main__":
    main()
