"""The argument parser of all commands: help with defaults, errors in one line."""

import argparse

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
