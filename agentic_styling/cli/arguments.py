"""The argument parser of all commands: help with defaults, errors in one line."""

import argparse
from collections.abc import Callable

from agentic_styling.utils import checks
from agentic_styling.utils.errors import InputError


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


def share(text: str) -> float:
    """An option's type: a number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text}: use a number from 0 to 1")
    return value


def named_share(text: str) -> tuple[str, float]:
    """An option's type: NAME=SHARE."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r}: use NAME=SHARE")
    return name, share(value)


def whole(low: int, high: int) -> Callable[[str], int]:
    """An option's type: a whole number from `low` to `high`."""

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text}: use a whole number from {low} to {high}")
        return value

    return convert
