"""What a jitted loss cannot refuse: values that are not numbers, and completions without tokens."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from agentic_styling.utils.errors import InputError


def check_rows(columns: Mapping[str, jax.Array]) -> None:
    """Refuse bad rows by name, on the host, before they reach a loss.

    columns: arrays [N] or [N, ...] by name. Every value has to be finite, and one of a column named
    lengths, chosen_lengths or rejected_lengths at least 1.
    Raises InputError naming the column, the first bad row and the mend.
    """
    for name, column in columns.items():
        column = jnp.asarray(column)
        finite = jnp.isfinite(column).reshape(len(column), -1).all(axis=1)
        row = _first(~finite)
        if row is not None:
            values = column[row].reshape(-1)
            value = values[int(jnp.argmin(jnp.isfinite(values)))]
            raise InputError(
                f"{name}: row {row} is {float(value)}, not a finite number; "
                "compute it again or drop the row"
            )
        if name.removeprefix("chosen_").removeprefix("rejected_") == "lengths":
            row = _first(column < 1)
            if row is not None:
                raise InputError(
                    f"{name}: row {row} has an empty completion ({int(column[row])} tokens); "
                    "drop the row"
                )


def _first(bad: jax.Array) -> int | None:
    return int(jnp.argmax(bad)) if bad.any() else None
