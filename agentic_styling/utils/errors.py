"""The error that users see: what is wrong, where, and a suggested fix, in one line."""

import contextlib
import difflib
import errno
import functools
import os
import sys
from collections.abc import Callable, Iterable


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


def first_cause(error: BaseException) -> BaseException:
    """The error that began a chain of errors."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__
    return error


def os_error_line(error: OSError) -> str:
    """The file, what is wrong with it, and a suggested fix."""
    file = error.filename2 or error.filename
    where = f"{os.fsdecode(file)}: " if isinstance(file, str | bytes | os.PathLike) else ""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    fix = "make room, then start again" if full else "check the path and its permissions"
    return f"{where}{' '.join(str(error.strerror or error).split())}; {fix}"


def one_line_errors(main: Callable) -> Callable:
    """Decorates a main function: an InputError becomes one line on stderr and exit status 2.

    So does an OSError, as of a full disk. `Preempted` becomes one line and exit status 75.
    Characters that stdout or stderr cannot encode are escaped.
    """

    @functools.wraps(main)
    def wrapped(*args, **kwargs):
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        try:
            return main(*args, **kwargs)
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2)
        except BrokenPipeError:  # the reader has seen enough, as `head` has
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(2)
        except OSError as error:
            print(f"error: {os_error_line(error)}", file=sys.stderr)
            sys.exit(2)
        except Preempted as message:
            print(message, file=sys.stderr)
            sys.exit(PREEMPTED)

    return wrapped
