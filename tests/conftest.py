"""The whole suite runs on eight fake CPU devices, so that sharded code is tested everywhere.

XLA compiles fast code slowly, and tests run a program a few times only: so here it optimises less,
also in the processes that tests start.
"""

import os

os.environ["XLA_FLAGS"] = " ".join(
    [
        os.environ.get("XLA_FLAGS", ""),
        "--xla_backend_optimization_level=0",
        "--xla_cpu_use_fusion_emitters=false",
    ]
).strip()

import jax  # noqa: E402

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_num_cpu_devices", 8)
