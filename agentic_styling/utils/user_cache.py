"""The user's cache directory, which keeps compiled programs between runs."""

import contextlib
import os
from pathlib import Path

from agentic_styling.utils.errors import InputError


def keep_compiled_programs() -> None:
    """Turns on JAX's compilation cache, in JAX_COMPILATION_CACHE_DIR or else in `user_cache`.

    Compiling the executor takes a minute on a CPU. A user without a home has no cache.
    """
    import jax

    if not jax.config.jax_compilation_cache_dir:
        with contextlib.suppress(InputError):
            jax.config.update("jax_compilation_cache_dir", str(user_cache() / "programs"))


def user_cache() -> Path:
    """agentic_styling/ in the user's cache directory (XDG_CACHE_HOME or ~/.cache).

    Raises InputError where there is neither that variable nor a home directory.
    """
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError as error:
        raise InputError("no home directory for the cache; set XDG_CACHE_HOME or HOME") from error
    return home / "agentic_styling"
