"""A loss of the table: its function, the arguments that it needs, and its diagnostics."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.losses import diagnostics
from agentic_styling.losses.reductions import REDUCTIONS
from agentic_styling.losses.weights import kl_penalty
from agentic_styling.utils.errors import InputError

# Options of the arguments of a loss, not of its function.
LENGTH_NORMALIZED, PER_CONTEXT = "length_normalized", "per_context"


@dataclass(frozen=True)
class Loss:
    """A loss function and the arguments that it needs besides log-probabilities.

    function: from arrays [B], of tokens [B, S], to an array [B]; its parameters are columns of a
      batch, and options.
    needs: any of
      "rewards"      function(logps, rewards, ...); pairs: chosen_rewards, rejected_rewards
      "statistics"   keyword arguments mean, std (or one of them) of the training set's rewards
      "contexts"     the same of each row's context, [B], its number of rows, count, and the row's
                     quantile in it
      "pairs"        function(chosen_logps, rejected_logps, ...), of one context
      "reference"    the same log-probabilities under the reference: ref_ before the names
      "filtered"     rows with rewards >= the option threshold; others have the value 0
      "best"         the row of each context with the highest reward only
      "lengths"      chosen_lengths: completion tokens
      "means"        log-probabilities that are means over tokens, not sums
      "tokens"       function(token_logps, mask, ...), [B, S] each
      "old"          old_token_logps, [B, S]: under the policy that sampled the tokens, when it did;
                     so the loss is online
      "reference_tokens"  ref_token_logps, [B, S], under the reference
      "sequence_ratio"    one importance ratio for a completion, not one for each token
      "whole_batch"  all rows in one call: micro-batches would change the loss
      "every_token"  log-probabilities of prompt and padding too: a bug, kept for ablations
    """

    function: Callable
    needs: frozenset[str] = frozenset()

    @property
    def options(self) -> dict[str, float | str]:
        """The keyword arguments that a user may set, with their defaults.

        length_normalized: divide every log-probability by its number of tokens first.
        per_context: use the mean and std of each row's context, not of the training set.
        """
        parameters = inspect.signature(self.function).parameters.values()
        options = {
            p.name: p.default
            for p in parameters
            if p.kind is p.KEYWORD_ONLY and p.default is not p.empty
        }
        if not self.needs & {"means", "tokens"}:
            options[LENGTH_NORMALIZED] = False
        if "statistics" in self.needs:
            options[PER_CONTEXT] = False
        return options

    @property
    def reductions(self) -> tuple[str, ...]:
        """The reductions of REDUCTIONS that fit, the default first.

        A pair has one value but two lengths, so pairs have the mean over pairs only.
        """
        return ("seq-mean-token-sum",) if "pairs" in self.needs else tuple(REDUCTIONS)

    @property
    def statistics(self) -> tuple[str, ...]:
        """Those of mean, std and count that the function takes."""
        parameters = inspect.signature(self.function).parameters
        return tuple(name for name in ("mean", "std", "count") if name in parameters)

    def requires(self, options: Mapping[str, float | str]) -> frozenset[str]:
        """The needs of the loss with these options."""
        needs = self.needs
        if options.get("taper") or options.get("kl_coef"):
            needs |= {"reference_tokens" if "tokens" in needs else "reference"}
        if options.get(PER_CONTEXT):
            needs = needs - {"statistics"} | {"contexts"}
        return needs

    def __call__(self, columns: Mapping[str, jax.Array], **options) -> jax.Array:
        """The values of a batch, [B].

        Args:
          columns: arrays [B], of tokens [B, S], by name: the function's positional arguments;
            lengths, or chosen_lengths and rejected_lengths, if log-probabilities are divided by
            them; mean, std, count and quantile of each row's context if it needs them. Others are
            ignored.
          **options: keyword arguments of the function, length_normalized and per_context.
        """
        return self.function(**self._arguments(columns, options))

    def diagnostics(self, columns: Mapping[str, jax.Array], **options) -> dict[str, jax.Array]:
        """Scalars to monitor, by name (see `losses.diagnostics`).

        Arguments are those of a call, of the whole batch; lengths are needed too, but for pairs and
        losses of tokens.
        """
        if "tokens" in self.needs:
            sums = self.token_diagnostics(columns, **options)
            return {name: values.sum() / columns["mask"].sum() for name, values in sums.items()}
        arguments = self._arguments(columns, options)
        settings = self.options | arguments
        if "pairs" in self.needs:
            names = ("chosen_logps", "rejected_logps", "ref_chosen_logps", "ref_rejected_logps")
            logps = [arguments.get(name) for name in names]
            return diagnostics.pair_diagnostics(*logps, beta=settings.get("beta", 1.0))
        values, ref_logps = {}, arguments.get("ref_logps")
        if "rewards" in self.needs:
            values |= diagnostics.weight_diagnostics(
                columns["logps"],
                self._weights(arguments),
                columns["lengths"],
                clip=settings.get("clip", 0.0),
            )
        if ref_logps is not None:
            values["kl"] = kl_penalty(arguments["logps"], ref_logps).mean()
            if {"beta", "threshold"} <= settings.keys():
                good = arguments["rewards"] >= settings["threshold"]
                values |= diagnostics.binary_diagnostics(
                    arguments["logps"], ref_logps, good, beta=settings["beta"]
                )
        return values

    def token_diagnostics(
        self, columns: Mapping[str, jax.Array], **options
    ) -> dict[str, jax.Array]:
        """What `diagnostics` averages over tokens, summed over each completion, [B], by name.

        Sums of parts of a batch, divided by all of its completion tokens, are those of the batch.
        Only online losses have any. Arguments are those of a call.
        """
        if "old" not in self.needs:
            return {}
        arguments = self._arguments(columns, options)
        return diagnostics.online_diagnostics(
            *(arguments[name] for name in ("token_logps", "mask", "old_token_logps", "rewards")),
            arguments.get("ref_token_logps"),
            mean=arguments["mean"],
            sequence_ratio="sequence_ratio" in self.needs,
            **{name: (self.options | arguments)[name] for name in ("clip_low", "clip_high")},
        )

    def _weights(self, arguments) -> jax.Array:
        """The weights w of -w * s, [B], before clipping and without kl_penalty."""
        off = {name: 0.0 for name in ("clip", "kl_coef") if name in self.options}

        def total(logps):
            return self.function(**arguments | off | {"logps": logps}).sum()

        return -jax.grad(total)(arguments["logps"])

    def _arguments(self, columns: Mapping[str, jax.Array], options) -> dict[str, jax.Array]:
        """The arguments of the function: the columns that it names, and options."""
        options = dict(options)
        options.pop(PER_CONTEXT, None)
        means = options.pop(LENGTH_NORMALIZED, False) or "means" in self.needs
        names = inspect.signature(self.function).parameters
        arguments = {name: value for name, value in columns.items() if name in names}
        for name in arguments if means else ():
            if name.endswith("logps"):
                lengths = name.removeprefix("ref_").removeprefix("q_").replace("logps", "lengths")
                arguments[name] = columns[name] / columns[lengths]
            elif name.endswith("lengths"):  # a mean is taken only once
                arguments[name] = jnp.ones_like(columns[name])
        return arguments | options


def check_rows(columns: Mapping[str, jax.Array]) -> None:
    """Checks rows on the host, as a jitted loss cannot.

    Args:
      columns: arrays [N] or [N, ...] by name. All values have to be finite, and those of lengths,
        chosen_lengths and rejected_lengths at least 1.

    Raises:
      InputError: names the column, the first bad row and a suggested fix.
    """
    for name, column in columns.items():
        column = np.asarray(column)
        bad = ~np.isfinite(column).reshape(len(column), -1).all(axis=1)
        if bad.any():
            row = int(bad.argmax())
            values = np.ravel(column[row])
            raise InputError(
                f"{name}: row {row} is {float(values[~np.isfinite(values)][0])}, not a finite "
                "number; compute it again or drop the row"
            )
        empty = column < 1
        if name.removeprefix("chosen_").removeprefix("rejected_") == "lengths" and empty.any():
            row = int(empty.argmax())
            raise InputError(
                f"{name}: row {row} has an empty completion ({int(column[row])} tokens); "
                "drop the row"
            )
