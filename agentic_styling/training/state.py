"""The train state and its optimiser."""

import re

import flax.struct
import jax
import jax.numpy as jnp
import ml_collections
import optax

from agentic_styling.errors import InputError
from agentic_styling.planner.partition import shardings

NO_DECAY = re.compile(r"(bias|scale)$")


@flax.struct.dataclass
class TrainState:
    """step: int32 [], updates done; params and opt_state: pytrees."""

    step: jax.Array
    params: dict
    opt_state: optax.OptState


def make_optimizer(config: ml_collections.ConfigDict) -> optax.GradientTransformation:
    """AdamW after a clip of the global norm; linear warm-up, then a cosine to 0.

    Weight decay leaves norms and biases alone. Raises InputError for a warm-up that is not
    shorter than the run.
    """
    if not 0 <= config.warmup_steps < config.steps:
        raise InputError(
            f"config.warmup_steps: {config.warmup_steps} is not in [0, steps={config.steps}); "
            "make it smaller than config.steps"
        )
    # From 1/(n+1) of the peak, not from 0: the first update counts too.
    schedule = optax.warmup_cosine_decay_schedule(
        init_value=config.learning_rate / (config.warmup_steps + 1),
        peak_value=config.learning_rate,
        warmup_steps=config.warmup_steps,
        decay_steps=config.steps,
    )
    return optax.chain(
        optax.clip_by_global_norm(config.clip_norm),
        optax.adamw(schedule, b2=0.95, weight_decay=config.weight_decay, mask=decayed),
    )


def decayed(params) -> object:
    """True for every parameter that weight decay applies to: not norms, not biases."""

    def of(path, _):
        return not NO_DECAY.search(jax.tree_util.keystr(path, simple=True, separator="/"))

    return jax.tree_util.tree_map_with_path(of, params)


def create_state(params, optimizer: optax.GradientTransformation, mesh) -> TrainState:
    """The state of step 0, laid out over the mesh as it is made."""

    def create(params):
        return TrainState(jnp.zeros((), jnp.int32), params, optimizer.init(params))

    layout = shardings(mesh, jax.eval_shape(create, params))
    return jax.jit(create, out_shardings=layout)(jax.device_put(params, layout.params))
