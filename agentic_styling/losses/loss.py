"""One row of the table of losses: a function, what it needs, and how a batch is given to it."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from agentic_styling.losses import diagnostics
from agentic_styling.losses.reductions import REDUCTIONS
from agentic_styling.utils.errors import InputError

# Options that change what goes into a loss, not the loss: the same for every row they fit.
LENGTH_NORMALIZED, PER_CONTEXT = "length_normalized", "per_context"


@dataclass(frozen=True)
class Loss:
    """A loss function and what it is called with, beside the log-probabilities.

    function: arrays [B] in, [B] out; its parameters are columns of a batch, and options.
    needs, any of:
      "rewards"      function(logps, rewards, ...); pairs: chosen_rewards, rejected_rewards
      "statistics"   keyword arguments mean, std (or one of them) of the training set's rewards
      "contexts"     the same of each row's context, [B], and its number of rows, count
      "pairs"        function(chosen_logps, rejected_logps, ...), of one context
      "reference"    the same log-probabilities under the reference: ref_ before the names
      "filtered"     rows with rewards >= the option threshold; others have the value 0
      "lengths"      chosen_lengths: completion tokens
      "means"        log-probabilities that are means over tokens, not sums
      "tokens"       function(token_logps, mask), [B, S] each
      "whole_batch"  all rows in one call: micro-batches would change the loss
      "every_token"  log-probabilities of prompt and padding too, a fault kept for ablations
    """

    function: Callable
    needs: frozenset[str] = frozenset()

    @property
    def options(self) -> dict[str, float]:
        """The keyword arguments that a user may set, with their defaults.

        length_normalized: every log-probability is divided by its number of tokens first.
        per_context: mean and std are those of each row's context, not of the training set.
        """
        parameters = inspect.signature(self.function).parameters.values()
        found = {
            p.name: p.default
            for p in parameters
            if p.kind is p.KEYWORD_ONLY and p.default is not p.empty
        }
        if not self.needs & {"means", "tokens"}:
            found[LENGTH_NORMALIZED] = False
        if "statistics" in self.needs:
            found[PER_CONTEXT] = False
        return found

    @property
    def reductions(self) -> tuple[str, ...]:
        """Those of REDUCTIONS that fit, the default first.

        A pair has two lengths and one value: of pairs there is the mean over pairs alone.
        """
        return ("seq-mean-token-sum",) if "pairs" in self.needs else tuple(REDUCTIONS)

    @property
    def statistics(self) -> tuple[str, ...]:
        """Which of mean, std and count, of all rewards or of each context, the function takes."""
        parameters = inspect.signature(self.function).parameters
        return tuple(name for name in ("mean", "std", "count") if name in parameters)

    def requires(self, options: Mapping[str, float]) -> frozenset[str]:
        """needs, and what these options need besides."""
        needs = self.needs
        if options.get("taper") or options.get("kl_coef"):
            needs |= {"reference"}
        if options.get(PER_CONTEXT):
            needs = needs - {"statistics"} | {"contexts"}
        return needs

    def __call__(self, columns: Mapping[str, jax.Array], **options) -> jax.Array:
        """The values [B] of a batch of columns; columns that the loss has no use for may be there.

        columns, by name: the function's positional arguments; lengths, or chosen_lengths and
        rejected_lengths, where log-probabilities are to be divided by them; mean, std and count
        of each row's context where those are needed.
        """
        return self.function(**self._arguments(columns, options))

    def diagnostics(self, columns: Mapping[str, jax.Array], **options) -> dict[str, jax.Array]:
        """What to watch beside the values, from the columns of the whole batch: scalars by name.

        lengths is needed too, except for pairs. See `losses.diagnostics`.
        """
        if "tokens" in self.needs:
            return {}
        arguments = self._arguments(columns, options)
        settings = self.options | arguments
        if "pairs" in self.needs:
            names = ("chosen_logps", "rejected_logps", "ref_chosen_logps", "ref_rejected_logps")
            logps = [arguments.get(name) for name in names]
            return diagnostics.pair_diagnostics(*logps, beta=settings.get("beta", 1.0))
        found, ref_logps = {}, arguments.get("ref_logps")
        if "rewards" in self.needs:
            found |= diagnostics.weight_diagnostics(
                columns["logps"],
                self._weights(arguments),
                columns["lengths"],
                clip=settings.get("clip", 0.0),
            )
        if ref_logps is not None:
            found |= diagnostics.reference_diagnostics(arguments["logps"], ref_logps)
            if {"beta", "threshold"} <= settings.keys():
                good = arguments["rewards"] >= settings["threshold"]
                found |= diagnostics.binary_diagnostics(
                    arguments["logps"], ref_logps, good, beta=settings["beta"]
                )
        return found

    def _weights(self, arguments) -> jax.Array:
        """What each s is multiplied by in -w * s, [B], before the clip and without kl_penalty."""
        off = {name: 0.0 for name in ("clip", "kl_coef") if name in self.options}

        def total(logps):
            return self.function(**arguments | off | {"logps": logps}).sum()

        return -jax.grad(total)(arguments["logps"])

    def _arguments(self, columns: Mapping[str, jax.Array], options) -> dict[str, jax.Array]:
        """What the function is called with: columns that it names, and its own options."""
        options = dict(options)
        options.pop(PER_CONTEXT, None)
        means = options.pop(LENGTH_NORMALIZED, False) or "means" in self.needs
        names = inspect.signature(self.function).parameters
        arguments = {name: value for name, value in columns.items() if name in names}
        for name in arguments if means else ():
            if name.endswith("logps"):
                lengths = name.removeprefix("ref_").removeprefix("q_").replace("logps", "lengths")
                arguments[name] = columns[name] / columns[lengths]
            elif name.endswith("lengths"):  # a mean is taken once only
                arguments[name] = jnp.ones_like(columns[name])
        return arguments | options


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
