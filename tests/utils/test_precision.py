import jax
import jax.numpy as jnp
import pytest

from agentic_styling.utils.precision import in_32_bits


@pytest.mark.parametrize("enabled", [False, True])
def test_types_do_not_depend_on_the_setting(enabled):
    @in_32_bits
    def dtypes(size, *, low):
        made = jnp.linspace(low, 1, size), jnp.arange(size), jax.random.uniform(jax.random.key(0))
        return [x.dtype.name for x in made]

    with jax.enable_x64(enabled):
        assert dtypes(3, low=0.5) == ["float32", "int32", "float32"]
        assert jnp.arange(3).dtype == ("int64" if enabled else "int32")
