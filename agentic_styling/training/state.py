"""The train state and its optimiser; updates that are not finite or spikes are skipped."""

import functools
import re
from collections.abc import Callable

import flax.struct
import jax
import jax.numpy as jnp
import optax
from ml_collections import ConfigDict

from agentic_styling.utils.errors import InputError

NO_DECAY = re.compile(r"(bias|scale)$")
HIDDEN = re.compile(r"(kernel|experts/\w+_proj)$")
MOMENTS = re.compile(r"\.(mu|nu)\b")
OPTIMIZERS = ("adamw", "muon")
SCHEDULES = ("cosine", "linear", "constant")
DTYPES = ("float32", "bfloat16")
_B2 = 0.95
# Times the learning rate: Jordan's 0.02 beside 0.002 for AdamW. The elements of a matrix 2,500 wide
# then change by 0.2 of the learning rate, as with AdamW; those of narrower ones change more.
_MUON_RATE = 10.0
# Of the running mean of the gradient norm, and the good steps before a spike is recognised.
_NORM_DECAY, _NORM_STEPS = 0.98, 20


@flax.struct.dataclass
class Health:
    """Skipped and good steps, int32 []; running mean of the good gradient norms, float32 []."""

    skipped: jax.Array
    grad_norm: jax.Array
    good: jax.Array

    @classmethod
    def new(cls):
        """Before the first step."""
        return cls(jnp.zeros((), jnp.int32), jnp.zeros(()), jnp.zeros((), jnp.int32))

    def after(self, loss, norm, update_norm, spike: float):
        """Whether this step is good, bool [], and the health after it."""
        good = jnp.isfinite(loss) & jnp.isfinite(norm) & jnp.isfinite(update_norm)
        if spike:
            good &= (self.good < _NORM_STEPS) | (norm <= spike * self.grad_norm)
        decay = jnp.minimum(_NORM_DECAY, self.good / (self.good + 1.0))
        mean = decay * self.grad_norm + (1 - decay) * norm
        return good, Health(
            skipped=self.skipped + ~good,
            grad_norm=jnp.where(good, mean, self.grad_norm),
            good=self.good + good,
        )


@flax.struct.dataclass
class TrainState:
    """The contents of a checkpoint. step: int32 [], batches seen; params: the trained parameters or
    adapters; ema: their moving average, {} if none is kept."""

    step: jax.Array
    params: dict
    opt_state: optax.OptState
    ema: dict
    health: Health


def warmup_steps(config: ConfigDict) -> int:
    """The steps of the warm-up; config.warmup_steps = -1 makes it short enough for the run."""
    return min(20, config.steps // 4) if config.warmup_steps == -1 else config.warmup_steps


def make_schedule(config: ConfigDict) -> optax.Schedule:
    """Linear warm-up, then config.schedule: "cosine" or "linear" to 0, or "constant".

    Raises InputError unless the warm-up is shorter than the run.
    """
    warmup = warmup_steps(config)
    if not 0 <= warmup < config.steps:
        raise InputError(
            f"config.warmup_steps: {warmup} is not in [0, steps={config.steps}); "
            "make it smaller than config.steps"
        )
    # From 1/(n+1) of the peak: an update at rate 0 would be wasted.
    peak, rest = config.learning_rate, config.steps - warmup
    before = optax.linear_schedule(peak / (warmup + 1), peak, warmup)
    after = {
        "cosine": lambda: optax.cosine_decay_schedule(peak, rest),
        "linear": lambda: optax.linear_schedule(peak, 0.0, rest),
        "constant": lambda: optax.constant_schedule(peak),
    }[config.schedule]()
    return optax.join_schedules([before, after], [warmup])


def make_optimizer(config: ConfigDict) -> optax.GradientTransformation:
    """config.optimizer after clipping the global norm, with moments in config.moment_dtype.

    Norms and biases have no weight decay. Muon is for the matrices of layers and experts;
    embeddings, the output layer, norms and biases have AdamW beside it, with Nesterov momentum and
    no decay. Raises InputError for a bad schedule.

    Source: Muon by Jordan et al. 2024; its rate beside AdamW's, Liu et al. 2025, arXiv 2502.16982.
    """
    schedule = make_schedule(config)
    if config.optimizer == "muon":
        inner = optax.contrib.muon(
            lambda step: _MUON_RATE * schedule(step),
            weight_decay=config.weight_decay / _MUON_RATE,
            weight_decay_mask=decayed,
            adam_b2=_B2,
            adam_learning_rate=schedule,
            muon_weight_dimension_numbers=_hidden_matrices,
        )
    else:
        decay = config.weight_decay
        inner = optax.adamw(schedule, b2=_B2, weight_decay=decay, mask=decayed)
    if config.moment_dtype != "float32":
        inner = stored_as(inner, jnp.dtype(config.moment_dtype))
    return optax.chain(optax.clip_by_global_norm(config.clip_norm), inner)


def _hidden_matrices(params) -> object:
    """The axes [in, out] of every matrix that Muon updates, None for other parameters."""
    axes = optax.contrib.MuonDimensionNumbers(-2, -1)
    return _by_name(lambda name: axes if HIDDEN.search(name) else None, params)


def stored_as(inner: optax.GradientTransformation, dtype) -> optax.GradientTransformation:
    """The transformation with its float32 moments stored in dtype between updates.

    Not the coefficients that Muon keeps beside them.
    """

    def cast(state, old, new):
        def of(path, x):
            moment = MOMENTS.search(jax.tree_util.keystr(path)) and x.dtype == old
            return x.astype(new) if moment else x

        return jax.tree_util.tree_map_with_path(of, state)

    def init(params):
        return cast(inner.init(params), jnp.float32, dtype)

    def update(grads, state, params=None):
        updates, state = inner.update(grads, cast(state, dtype, jnp.float32), params)
        return updates, cast(state, jnp.float32, dtype)

    return optax.GradientTransformation(init, update)


def decayed(params) -> object:
    """True for every parameter with weight decay: all but norms and biases."""
    return _by_name(lambda name: not NO_DECAY.search(name), params)


def _by_name(function: Callable[[str], object], params) -> object:
    """The tree of what the function makes of each parameter's path, joined by slashes."""
    name = functools.partial(jax.tree_util.keystr, simple=True, separator="/")
    return jax.tree_util.tree_map_with_path(lambda path, _: function(name(path)), params)


def make_state(params, optimizer: optax.GradientTransformation, *, ema: bool = False) -> TrainState:
    """The state of step 0, under jit or `jax.eval_shape`."""
    kept = jax.tree.map(jnp.copy, params) if ema else {}
    return TrainState(jnp.zeros((), jnp.int32), params, optimizer.init(params), kept, Health.new())


def create_state(params, make: Callable, layout: TrainState) -> TrainState:
    """The state make(params), sharded as layout says."""
    return jax.jit(make, out_shardings=layout)(jax.device_put(params, layout.params))
