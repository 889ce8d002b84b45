"""Plans as arrays: hand-computed indices."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings

from agentic_styling.tools import SLOTS, VOCABULARY, Plan, PlanError, Step, encode_plans

from .strategies import plans


def test_indices_by_hand():
    weather = {
        "weather_type": "light_rain",
        "source_weather": "clear_sunny",
        "active_precipitation": False,
        "strength": 0.25,
    }
    plan = Plan(
        {},
        (
            Step("", "weather", weather),
            Step("", "exclude_region", {"region_type": "top_half"}),
            Step("", "time_of_day", {"target_time": "pre_dawn", "sky_color": "Red"}),
        ),
    )
    arrays = encode_plans([Plan({}), plan], max_steps=4)
    assert arrays.tool.tolist() == [[-1] * 4, [5, 11, 3, -1]]
    assert arrays.options[0].tolist() == [[0] * 5] * 4
    assert arrays.options[1].tolist() == [
        [1, 3, 1, 0, 0],  # clear is 1 after unknown; moderate; clear; no precipitation
        [0, 6, 1, 0, 0],  # fully
        [0, 0, 1, 0, 0],  # red is the second known colour; auto
        [0] * 5,
    ]
    assert arrays.strength.tolist() == [[0.0] * 4, [0.25, 1.0, 1.0, 0.0]]
    assert [leaf.dtype.name for leaf in arrays] == ["int32", "int32", "float32"]
    assert all(isinstance(leaf, jax.Array) for leaf in arrays)


@settings(max_examples=50, deadline=None)
@given(plans())
def test_options_index_the_values(plan):
    arrays = encode_plans([plan])
    for t, step in enumerate(plan.steps):
        tool = list(VOCABULARY.values())[int(arrays.tool[0, t])]
        assert tool.name == step.tool
        for name, index in zip(SLOTS[tool.name], arrays.options[0, t].tolist(), strict=True):
            if name:
                parameter = tool.parameters[name]
                wanted = step.parameters.get(name, parameter.default)
                assert parameter.values[index] == wanted
    assert np.all(arrays.tool[0, len(plan.steps) :] == -1)


def test_too_many_steps_for_the_arrays():
    plan = Plan({}, (Step("", "weather", {"weather_type": "hail"}),) * 3)
    with pytest.raises(PlanError, match="plan 1: 3 steps; raise max_steps=2"):
        encode_plans([Plan({}), plan], max_steps=2)


def test_unknown_words_are_warned_about_and_ignored():
    night = {"target_time": "night_moonlit"}
    plan = Plan({}, (Step("", "time_of_day", night | {"sky_color": "puce"}),))
    with pytest.warns(UserWarning, match="time_of_day.sky_color: 'puce' has no effect"):
        arrays = encode_plans([plan])
    usual = encode_plans([Plan({}, (Step("", "time_of_day", night),))])
    assert jax.tree.all(jax.tree.map(np.array_equal, arrays, usual))
