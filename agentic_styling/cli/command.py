"""What all commands and scripts share: arguments, errors in one line, kept compiled programs."""

import argparse
import contextlib
import errno
import functools
import math
import os
import sys
from collections.abc import Callable

from agentic_styling.utils import checks
from agentic_styling.utils.errors import PREEMPTED, InputError, Preempted
from agentic_styling.utils.user_cache import user_cache


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
            print(f"error: {' '.join(str(error).splitlines())}", file=sys.stderr)
            sys.exit(2)
        except BrokenPipeError:  # the reader has seen enough, as `head` has
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(2)
        except OSError as error:
            print(f"error: {_os_error_line(error)}", file=sys.stderr)
            sys.exit(2)
        except Preempted as message:
            print(message, file=sys.stderr)
            sys.exit(PREEMPTED)

    return wrapped


def _os_error_line(error: OSError) -> str:
    """The file, what is wrong with it, and a suggested fix."""
    file = error.filename2 or error.filename
    where = f"{os.fsdecode(file)}: " if isinstance(file, str | bytes | os.PathLike) else ""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    fix = "make room, then start again" if full else "check the path and its permissions"
    return f"{where}{' '.join(str(error.strerror or error).split())}; {fix}"


def keep_compiled_programs() -> None:
    """Turns on JAX's compilation cache, in JAX_COMPILATION_CACHE_DIR or else in `user_cache`.

    Compiling the executor takes a minute on a CPU. A user without a home has no cache.
    """
    import jax

    if not jax.config.jax_compilation_cache_dir:
        with contextlib.suppress(InputError):
            jax.config.update("jax_compilation_cache_dir", str(user_cache() / "programs"))
            # Dozens of small programs, which JAX would compile anew each time, add up to a second.
            jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)


class Help(argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
    """Prints the default of each option that has one."""

    def _get_help_string(self, action):
        if action.default is None or action.default is False or "(default:" in action.help:
            return action.help
        return super()._get_help_string(action)


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are InputErrors. Its subparsers are of the same class."""

    def __init__(self, **kwargs):
        super().__init__(**{"formatter_class": Help, "allow_abbrev": False} | kwargs)

    def error(self, message: str):
        """Raises InputError in place of printing the usage."""
        raise InputError(f"{self.prog}: {message}; see {self.prog} --help")


def _checked(check: Callable) -> Callable:
    """An option's type: what a check returns, which raises InputError."""

    def convert(text: str):
        try:
            return check(text)
        except InputError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert


PRICES = {
    "nargs": 2,
    "type": float,
    "metavar": ("IN", "OUT"),
    "help": "price of a million of the model's tokens, for the cost estimate",
}
path = _checked(checks.local_path)
seed = _checked(checks.check_seed)
temperature = _checked(checks.check_temperature)


def words(text: str) -> str:
    """An option's type: text that is not empty."""
    if not text.strip() or checks.readable(text) != text:
        raise argparse.ArgumentTypeError(f"{checks.readable(text)!r} is not readable text")
    return text


def _number(convert: Callable, low: float, high: float, kind: str) -> Callable[[str], float]:
    """An option's type: a number of a kind from `low` to `high`."""

    def converted(text: str) -> float:
        try:
            value = convert(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text}: use a {kind} from {low} to {high}")
        return value

    return converted


share = _number(float, 0, 1, "number")


def whole(low: int, high: int) -> Callable[[str], int]:
    """An option's type: a whole number from `low` to `high`."""
    return _number(int, low, high, "whole number")


def named_share(text: str) -> tuple[str, float]:
    """An option's type: NAME=SHARE."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r}: use NAME=SHARE")
    return name, share(value)
