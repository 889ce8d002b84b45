"""Plans as arrays: hand-computed indices."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings

from agentic_styling.tools import (
    COMBINE,
    DIMENSIONS,
    SLOTS,
    VOCABULARY,
    Plan,
    PlanError,
    Step,
    encode_plans,
)
from tests.tools.strategies import plans

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


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
    dtypes = ["int32", "int32", "float32", "float32", "int32", "int32", "bool"]
    assert [leaf.dtype.name for leaf in arrays] == dtypes
    assert all(isinstance(leaf, jax.Array) for leaf in arrays)
    touches = np.zeros((4, 4), bool)
    touches[1, [0, 2]] = True  # the excluded half, by both steps
    np.testing.assert_array_equal(arrays.touches, [np.zeros((4, 4)), touches])
    assert not (arrays.numbers.any() or arrays.combine.any() or arrays.group.any())


def test_groups_and_numbers_by_hand():
    plan = Plan(
        {},
        (
            Step(
                "",
                "layered_transformation",
                {
                    "base_layer": "color_grading",
                    "overlay_layers": ["weather:hail", "gouache"],
                    "blend_modes": ["screen"],
                    "layer_opacities": [0.25, 0.5],
                    "strength": 0.5,
                },
            ),
            Step("", "color_grading", {"target_palette": "cool_blue", "strength": 0.5}),
            Step("", "parallel_transform", {"actions": ["season"], "blend_mode": "max_effect"}),
            Step("", "season", {"target_season": "winter_bare"}),
            Step("", "graduated_effect", {"effect_type": "color", "intensity_start": 0.75}),
            Step("", "selective_blend", {"target_apply_ratio": 0.75}),
        ),
    )
    arrays = encode_plans([plan])
    assert arrays.tool.tolist() == [[7, 5, 8, 4, 17, 19, -1, -1]]
    assert arrays.combine.tolist() == [[0, 3, 1, 11, 0, 0, 0, 0]]
    assert COMBINE[3] == "screen"
    assert COMBINE[11] == "max_effect"
    assert arrays.group.tolist() == [[1, 1, 1, 2, 0, 0, 0, 0]]
    assert arrays.strength.tolist() == [[0.25, 0.5, 0.5, 1, 1, 1, 0, 0]]
    numbers = [[1, 0], [0.25, 0], [0.5, 0], [0, 0], [0.75, 1], [0.25, 0.75], [0, 0], [0, 0]]
    assert arrays.numbers.tolist() == [numbers]
    touched = np.argwhere(np.asarray(arrays.touches[0])).tolist()
    assert touched == [[4, 0], [5, 0], [5, 1], [5, 2], [5, 3]]
    assert arrays.options[0, 4].tolist() == [0, 2, 0, 0, 0]
    assert arrays.options[0, 5].tolist() == [0] * 5


@settings(max_examples=40, deadline=None)
@given(plans(branches=True))
def test_options_index_the_values(plan):
    """Any plan of the vocabulary encodes, and its options are those of its composed steps."""
    arrays = jax.tree.map(np.asarray, encode_plans([plan]))
    steps = plan.resolved_steps
    for t, step in enumerate(steps):
        tool = list(VOCABULARY.values())[int(arrays.tool[0, t])]
        assert tool.name == step.tool
        for name, index in zip(SLOTS[tool.name], arrays.options[0, t].tolist(), strict=True):
            if name:
                parameter = tool.parameters[name]
                wanted = step.parameters.get(name, parameter.default)
                assert parameter.values[index] == wanted
            else:
                assert index == 0
    assert np.all(arrays.tool[0, len(steps) :] == -1)
    assert all(np.all((leaf >= 0) & (leaf <= 1)) for leaf in (arrays.strength, arrays.numbers))


@settings(max_examples=100, deadline=None)
@given(plans(branches=True))
def test_groups_are_neighbours_and_modifiers_touch_steps_only(plan):
    arrays = jax.tree.map(np.asarray, encode_plans([plan]))
    tool, group = arrays.tool[0], arrays.group[0]
    step = (tool >= 0) & (tool < len(DIMENSIONS))
    assert np.all(step[group > 0])
    for k in np.unique(group[group > 0]):
        members = np.flatnonzero(group == k)
        assert len(members) == members[-1] - members[0] + 1
        modes = [COMBINE[i] for i in arrays.combine[0, members]]
        assert "replace" not in modes[1:]
    assert np.all(arrays.combine[0][group == 0] == 0)
    modifier, touched = np.nonzero(arrays.touches[0])
    assert np.all(tool[modifier] >= len(DIMENSIONS))
    own = tool[touched] == list(VOCABULARY).index("graduated_effect")
    assert np.all(step[touched] | own)


def test_too_many_steps_for_the_arrays():
    plan = Plan({}, (Step("", "weather", {"weather_type": "hail"}),) * 3)
    with pytest.raises(PlanError, match="plan 1: 3 steps; raise max_steps=2"):
        encode_plans([Plan({}), plan], max_steps=2)
    sequence = Step("", "sequence_transform", {"steps": ["weather", "season"]})
    fits = encode_plans([Plan({}, (sequence, *plan.steps))], max_steps=3)
    assert fits.tool.tolist() == [[5, 5, 5]]


@pytest.mark.parametrize(
    ("tool", "parameter", "text", "word"),
    [
        ("time_of_day", "sky_color", "deep orange sky", "orange"),
        ("time_of_day", "sky_color", "Blue-grey, then pink", "blue"),
        ("time_of_day", "sky_color", "a GREY sky", "gray"),
        ("time_of_day", "sky_color", "auto", "auto"),
        ("atmospheric_effects", "color_tint", "#golden_light", "gold"),
        ("artistic_medium", "technique", "loose wet-on-wet washes", "wet_on_wet"),
        ("artistic_medium", "technique", "dry  brush", "dry_brush"),
    ],
)
def test_known_words_are_found_in_texts(tool, parameter, text, word):
    target = VOCABULARY[tool].target
    base = {target: VOCABULARY[tool].parameters[target].values[0]}
    said, known = (
        encode_plans([Plan({}, (Step("", tool, base | {parameter: p}),))]) for p in (text, word)
    )
    np.testing.assert_array_equal(said.options, known.options)
    slot = SLOTS[tool].index(parameter)
    assert VOCABULARY[tool].parameters[parameter].values[int(said.options[0, 0, slot])] == word


def test_unknown_words_are_warned_about_and_ignored():
    night = {"target_time": "night_moonlit"}
    plan = Plan({}, (Step("", "time_of_day", night | {"sky_color": "puce"}),))
    with pytest.warns(UserWarning, match="time_of_day.sky_color: 'puce' has no effect"):
        arrays = encode_plans([plan])
    usual = encode_plans([Plan({}, (Step("", "time_of_day", night),))])
    assert jax.tree.all(jax.tree.map(np.array_equal, arrays, usual))
