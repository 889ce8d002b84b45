"""The error that users see: what is wrong, where, and a suggested fix, in one line."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Bad input. The message is one line: the file or field, what is wrong, a suggested fix."""


class Preempted(Exception):
    """The run was preempted; it is saved and the same command resumes it.

    The message is one line. Scripts exit with the status `PREEMPTED`, on which launchers restart.
    """


PREEMPTED = 75  # EX_TEMPFAIL of sysexits.h


def nearest(name: object, candidates: Iterable[str]) -> str:
    """A suggestion for an unknown name: the candidate closest in spelling, or all of them."""
    candidates = list(candidates)
    close = difflib.get_close_matches(str(name), candidates, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return "use one of " + ", ".join(candidates)


def one_line(message: object) -> str:
    """An error's message or a text in one line of at most 120 characters, to quote in another."""
    return " ".join(str(message).split())[:120]


def first_cause(error: BaseException) -> BaseException:
    """The error that began a chain of errors."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__
    return error
