"""The whole suite runs on eight fake CPU devices, so that sharded code is tested everywhere.

XLA compiles fast code slowly, and tests run a program a few times only: so here it optimises less,
also in the processes that tests start. What takes long to compile, as kernels do, is kept for the
other processes of the run.
"""

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

# Files that take a worker longest: begun last, they would be waited for. The first two share no
# programs, which both workers would compile.
LONGEST = (
    "test_cli.py",
    "test_step.py",
    "test_loop.py",
    "test_notebooks.py",
    "test_score.py",
    "test_artistic_medium.py",
    "test_real_rooms.py",
    "test_distributed.py",
    "test_executed_plans.py",
    "test_execute.py",
    "test_sweep.py",
    "test_generate.py",
)


def pytest_collection_modifyitems(items):
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))
