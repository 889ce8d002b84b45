"""The whole suite runs on eight fake CPU devices, so that sharded code is tested everywhere."""

import jax

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_num_cpu_devices", 8)
