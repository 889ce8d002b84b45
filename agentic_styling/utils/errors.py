"""The one error that users see: what is wrong, where, and how to mend it, in one line."""

import difflib
import functools
import sys
from collections.abc import Callable, Iterable


class InputError(ValueError):
    """Bad input. The message is one line naming the file or field, the value and the mend."""


class Preempted(Exception):
    """The machine is wanted back: all is saved, and the same command goes on from there.

    The message says so in one line. Scripts end with `PREEMPTED`, on which launchers restart.
    """


PREEMPTED = 75  # EX_TEMPFAIL of sysexits.h


def nearest(name: object, candidates: Iterable[str]) -> str:
    """A mend for a misspelt name: the candidate closest in spelling, or else all of them."""
    candidates = list(candidates)
    close = difflib.get_close_matches(str(name), candidates, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return "use one of " + ", ".join(candidates)


def one_line_errors(main: Callable) -> Callable:
    """Wrap a script's main: an InputError becomes one line on stderr and exit status 2.

    A `Preempted` becomes a line and exit status 75.
    """

    @functools.wraps(main)
    def wrapped(*args, **kwargs):
        try:
            return main(*args, **kwargs)
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2)
        except Preempted as message:
            print(message, file=sys.stderr)
            sys.exit(PREEMPTED)

    return wrapped
