"""A reward and an executor that take no time, in the place of the real ones."""

import contextlib
from types import SimpleNamespace

import jax.numpy as jnp
import pytest

from agentic_styling.data import pipeline
from agentic_styling.rewards import PARTS


def scores_stand_in(source, result, request):
    """Scores that depend on all three arguments."""
    asked = (request.tool >= 0).sum(1)
    value = 100 * jnp.abs(source - result).mean((1, 2, 3)) / asked
    scores = dict.fromkeys((*PARTS, "overall"), value)
    return SimpleNamespace(**scores, reward=jnp.clip(value, 0, 5))


@contextlib.contextmanager
def stand_in_reward(score=scores_stand_in):
    """Within it the pipeline scores by score(source, result, request)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "render_reference", lambda *given: given)
        patch.setattr(pipeline, "score_against", lambda ref, edit: score(ref[0], edit, ref[1]))
        yield


def light_execute(images, plans, key):
    """The more steps, the darker."""
    return jnp.asarray(images) * (1 - 0.1 * (plans.tool >= 0).sum(1))[:, None, None, None]


@contextlib.contextmanager
def light_pipeline():
    """Within it plans are executed and scored without compiling a kernel."""
    with pytest.MonkeyPatch.context() as patch, stand_in_reward():
        patch.setattr(pipeline, "execute", light_execute)
        yield
