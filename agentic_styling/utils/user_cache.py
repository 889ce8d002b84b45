"""The user's cache directory, which keeps compiled programs between runs."""

import os
from pathlib import Path


def keep_compiled_programs() -> None:
    """Turns on JAX's compilation cache, in JAX_COMPILATION_CACHE_DIR or else in `user_cache`.

    Compiling the executor takes a minute on a CPU.
    """
    import jax

    if not jax.config.jax_compilation_cache_dir:
        jax.config.update("jax_compilation_cache_dir", str(user_cache() / "programs"))


def user_cache() -> Path:
    """agentic_styling/ in the user's cache directory (XDG_CACHE_HOME or ~/.cache)."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "agentic_styling"
