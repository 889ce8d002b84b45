"""What each option of a dimension looks like and draws: DIMENSION.json, beside its module.

A file maps parameter -> option -> {"look": keywords of `look`, NAME: a row of a table, ...}. In a
row "#rrggbb" stands for three numbers, and another text for what the module has of that name. A
"note" says what an option is after.
"""

from collections.abc import Iterable, Mapping

import jax
import numpy as np

from agentic_styling.tools.transforms.color.look_params import by_option, look, rgb
from agentic_styling.utils.package_data import read_beside


def is_new(options: jax.Array) -> jax.Array:
    """Whether a step's target, of options int32 [5], is another than its source."""
    return options[0] != options[1] + 1


class Options:
    """The options of one dimension; looks: parameter -> option -> look parameters."""

    def __init__(self, dimension: str):
        self._dimension = dimension
        self._options: dict[str, dict] = read_beside(__file__, f"{dimension}.json")
        self.looks: dict[str, dict] = {}
        for parameter, options in self._options.items():
            rows = {name: look(**row["look"]) for name, row in options.items() if "look" in row}
            self.looks |= {parameter: rows} if rows else {}

    def table(
        self, parameter: str, name: str, default: object = 0.0, names: Mapping | None = None
    ) -> np.ndarray:
        """Rows of one name in the order of a parameter's values.

        Args:
          parameter: whose options have the rows.
          name: of the rows.
          default: row of the options without one, or the number that fills it.
          names: what texts other than colours stand for.

        Returns:
          float32 [values, ...].
        """
        options = self._options[parameter]
        rows = {o: _numbers(row[name], names or {}) for o, row in options.items() if name in row}
        default = np.broadcast_to(_numbers(default, names or {}), next(iter(rows.values())).shape)
        return by_option(self._dimension, parameter, rows, default)

    def choices(self, parameter: str, name: str, names: Iterable[str], default=0) -> np.ndarray:
        """The place in `names` of the text that each option has under `name`, int32 [values]."""
        places = {text: place for place, text in enumerate(names)}
        return self.table(parameter, name, default, places).astype(np.int32)


def _numbers(row: object, names: Mapping) -> np.ndarray:
    if isinstance(row, list):
        return np.hstack([_numbers(item, names) for item in row])
    if isinstance(row, str):
        return rgb(row) if row.startswith("#") else np.asarray(names[row])
    return np.asarray(row)
