"""The user's cache directory, which keeps answers of models and compiled programs between runs."""

import os
from pathlib import Path

from agentic_styling.utils.errors import InputError


def user_cache() -> Path:
    """agentic_styling/ in the user's cache directory (XDG_CACHE_HOME or ~/.cache).

    Raises InputError where there is neither that variable nor a home directory.
    """
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError as error:
        raise InputError("no home directory for the cache; set XDG_CACHE_HOME or HOME") from error
    return home / "agentic_styling"
