"""The same 32-bit programs, whether or not JAX's 64-bit types are switched on."""

import functools
from collections.abc import Callable

import jax


def in_32_bits(function: Callable) -> Callable:
    """Decorates a function of the public interface: it runs as without JAX_ENABLE_X64.

    Its results have the dtypes and, of random draws, the values that they have without it.
    """

    @functools.wraps(function)
    def run(*args, **kwargs):
        with jax.enable_x64(False):
            return function(*args, **kwargs)

    return run
