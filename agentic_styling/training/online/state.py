"""The state of an online run: the train state, and parameters that are older than its own."""

import flax.struct
import jax
import jax.numpy as jnp

from agentic_styling.losses import LOSSES
from agentic_styling.training.state import TrainState


@flax.struct.dataclass
class OnlineState:
    """The contents of a checkpoint.

    sampler: parameters of the policy that samples, {} if it is always the newest. reference: those
    of a moving reference, {} without one.
    """

    train: TrainState
    sampler: dict
    reference: dict

    @property
    def step(self) -> jax.Array:
        """Updates so far, int32 []."""
        return self.train.step


def needs_reference(config) -> bool:
    """Whether the loss compares with a reference policy."""
    needs = LOSSES[config.loss].requires(dict(config.loss_kwargs))
    return bool(needs & {"reference", "reference_tokens"})


def first_state(config, train: TrainState) -> OnlineState:
    """The state before the first round."""
    sampler = copy_params(train.params) if config.online.refresh_every > 1 else {}
    moving = config.online.reference_every and needs_reference(config)
    return OnlineState(train, sampler, copy_params(train.params) if moving else {})


def refreshed(old: dict, params, number: int, every: int) -> dict:
    """Kept parameters after a round, counted from 1; {} if none are kept."""
    return copy_params(params) if old and number % every == 0 else old


def copy_params(params):
    """Parameters that outlive the step, which is given those of the state to overwrite."""
    return jax.tree.map(jnp.copy, params)
