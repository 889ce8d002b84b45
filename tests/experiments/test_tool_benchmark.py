"""The benchmark's hand-written side does the same work: equal looks, maps and constraints."""

import importlib
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data
from skimage.transform import resize

from agentic_styling.tools import DIMENSIONS, VOCABULARY, Plan, Step, dimensions, encode_plans
from agentic_styling.tools.executor.scene_estimate import estimate_scene
from agentic_styling.tools.executor.stages import _confine
from agentic_styling.tools.transforms.color.color_transform import color_transform
from tests.slow import slow, slow_but

sys.path.append(str(Path(__file__).parents[2] / "experiments/benchmarks"))
plans_by_hand = importlib.import_module("hand_written.plans")
scene_by_hand = importlib.import_module("hand_written.scene")
random_plans = importlib.import_module("tool_peers.random_plans")

pytestmark = pytest.mark.slow  # the hand-written peers of a benchmark, kernel by kernel
PHOTOGRAPH = resize(skimage.data.astronaut(), (64, 64), anti_aliasing=True).astype(np.float32)
PLANES = jnp.asarray(np.moveaxis(PHOTOGRAPH, -1, 0))


@pytest.fixture(scope="module")
def scene():
    return jax.jit(estimate_scene)(PLANES)


def test_the_maps_of_a_photograph_are_equal(scene):
    maps, kind = scene_by_hand.scene_of(np.asarray(PLANES))
    for name, ours, theirs in zip(scene._fields, scene, (*maps, *kind), strict=True):
        assert np.mean(np.abs(ours - theirs)) < 1e-4, name


def _point_wise(steps, scene):
    """The grading alone of a plan's steps, by the project."""
    arrays = encode_plans([Plan({}, tuple(steps))], 5)
    off, on = jax.vmap(dimensions.looks_of)(arrays.tool[0], arrays.options[0])
    return _GRADE(PLANES, scene, off, on, arrays.strength[0])


_GRADE = jax.jit(color_transform)


@pytest.mark.parametrize("count", [10, slow(40)])
def test_the_grading_of_random_plans_is_equal(scene, count):
    for plan in random_plans.random_plans(count):
        steps = [step for step in plan.steps if step.tool in DIMENSIONS]
        prepared = plans_by_hand.prepare([Plan({}, tuple(steps))])[0]
        undrawn = prepared._replace(steps=[work._replace(draw=None) for work in prepared.steps])
        theirs = plans_by_hand.style(PHOTOGRAPH, undrawn, 0)
        ours = np.moveaxis(_point_wise(steps, scene), 0, -1)
        assert np.mean(np.abs(ours - theirs)) < 1e-3, plan


def test_constraints_are_equal(scene):
    edit = jnp.clip(1.4 * PLANES[::-1] - 0.1, 0.0, 1.0)
    confine = jax.jit(lambda plan: _confine(PLANES, edit, PLANES, scene, plan, 1))
    shot = scene_by_hand.shot_of(np.asarray(PLANES), 0)
    for tool in ("preserve_attribute", "exclude_region"):
        target = VOCABULARY[tool].target
        for option in VOCABULARY[tool].parameters[target].values:
            modifier = Step("", tool, {target: option, "strength": 0.8})
            step = Step("", "weather", {"weather_type": "hail"})
            plan = Plan({}, (modifier, step))
            arrays = jax.tree.map(lambda x: x[0], encode_plans([plan]))
            ready = plans_by_hand.prepare([plan])[0]
            theirs = plans_by_hand.confine(
                np.asarray(PLANES),
                np.asarray(edit),
                np.asarray(PLANES),
                shot,
                ready.modifiers,
                "weather",
            )
            assert np.mean(np.abs(confine(arrays) - theirs)) < 2e-3, option


@pytest.mark.parametrize("tool", slow_but(DIMENSIONS, "weather", "season", "color_grading"))
def test_every_option_is_drawn_by_hand(tool):
    parameter = VOCABULARY[tool].parameters[VOCABULARY[tool].target]
    plans = [Plan({}, (Step("", tool, {parameter.name: v}),)) for v in parameter.values]
    options = encode_plans(plans).options[:, 0]
    prepared = zip(parameter.values, plans_by_hand.prepare(plans), options, strict=True)
    for option, ready, chosen in prepared:
        drawn = ready.steps[0].draw
        ours = dimensions.renderer_of(DIMENSIONS.index(tool), chosen)
        assert (drawn is None) == (int(ours) < 0), option
        out = plans_by_hand.style(PHOTOGRAPH, ready, 3)
        assert out.dtype == np.float32 and np.all(np.isfinite(out)), option
        assert out.min() >= 0 and out.max() <= 1, option


def test_random_plans_are_the_same_every_time_and_have_three_to_five_steps():
    first, again = random_plans.random_plans(50), random_plans.random_plans(50)
    assert first == again
    assert len({plan.to_json() for plan in first}) == 50
    for plan in first:
        tools = [step.tool for step in plan.steps]
        assert 3 <= sum(tool in DIMENSIONS for tool in tools) <= 5
        assert len(set(tools)) == len(tools) <= 6
    used = {step.tool for plan in first for step in plan.steps}
    assert used == {*DIMENSIONS, "preserve_attribute", "exclude_region"}
