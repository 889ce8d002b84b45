"""What a train step is given: a batch of the small planner's data, a state, their shardings."""

import functools

import jax
import numpy as np
import optax

from agentic_styling.planner import init_lora
from agentic_styling.planner.checkpoints.partition import shardings
from agentic_styling.training.batches.batches import Assembler, batch_shardings, split_microbatches
from agentic_styling.training.batches.packing import Layout
from agentic_styling.training.state import create_state, make_state

ROWS = np.array([0, 1, 4, 5])


def batch_of(
    planner, rows=ROWS, reference=None, *, parts=1, pair=1, packed=None, lengths=(), **options
):
    """A batch of these rows, each in a row of its own, or `packed` rows of twice the length.

    lengths: of rows, like ones of which go together.
    """
    length = planner.data.tokens.shape[1]
    layout = Layout(packed, (2 * length,), 3) if packed else Layout(1, lengths or (length,), 1)
    made = Assembler(planner.data, layout, reference=reference, **options)
    return made(split_microbatches(rows, parts, pair, planner.data.length if lengths else None))


def start(planner, model, optimizer, *, ema=False):
    """The first state, what is frozen, and the shardings of both."""
    trained, frozen = planner.params, {}
    if model.lora:
        trained = init_lora(model.config, model.lora, jax.random.key(1))
        frozen = planner.params
    make = functools.partial(make_state, optimizer=optimizer, ema=ema)
    layout = shardings(model.mesh, jax.eval_shape(make, trained))
    frozen_layout = shardings(model.mesh, frozen)
    state = create_state(trained, make, layout)
    return state, jax.device_put(frozen, frozen_layout), (layout, frozen_layout)


def state_of(planner, ema=False):
    optimizer = optax.adam(1e-2)
    state, frozen, layouts = start(planner, planner.model, optimizer, ema=ema)
    batch_layout = batch_shardings(planner.model.mesh, pictures=True)
    return state, frozen, optimizer, (*layouts, batch_layout)
