"""The whole suite runs on eight fake CPU devices, so that sharded code is tested everywhere.

XLA compiles fast code slowly, and tests run a program a few times only: so here it optimises less,
also in the processes that tests start. What takes long to compile, as kernels do, is kept for the
other processes of the run.
"""

import gc
import os
import tempfile

os.environ["XLA_FLAGS"] = " ".join(
    [
        os.environ.get("XLA_FLAGS", ""),
        "--xla_backend_optimization_level=0",
        "--xla_cpu_use_fusion_emitters=false",
    ]
).strip()
# Set once, in the process that starts the workers, and gone with it.
_PROGRAMS = None
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    _PROGRAMS = tempfile.TemporaryDirectory(prefix="programs-")
    os.environ["JAX_COMPILATION_CACHE_DIR"] = _PROGRAMS.name
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.5"

import jax  # noqa: E402

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_num_cpu_devices", 8)

# Tracing makes many objects and few cycles: to look for those less often saves time.
gc.set_threshold(50_000, 20, 20)


def pytest_collection_modifyitems(items):
    """The last folders by name, training and tools, first: they compile most.

    Begun last, one of their files would be waited for when the other worker has nothing to do.
    """
    items.sort(key=lambda item: item.path, reverse=True)
    gc.freeze()  # what was imported and collected stays
