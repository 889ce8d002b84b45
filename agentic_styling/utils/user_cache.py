"""What is kept between runs in the user's cache directory."""

import os
from pathlib import Path


def keep_compiled_programs() -> None:
    """Keep what XLA compiles on disk between runs: the executor takes a minute on a CPU.

    In JAX_COMPILATION_CACHE_DIR where that is set, else in `user_cache`.
    """
    import jax

    if not jax.config.jax_compilation_cache_dir:
        jax.config.update("jax_compilation_cache_dir", str(user_cache() / "programs"))


def user_cache() -> Path:
    """agentic_styling/ of the user's cache directory."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "agentic_styling"
