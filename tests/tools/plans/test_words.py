"""Conditions against verdicts written by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentic_styling.tools.plans.vocabulary import holds

CONTEXT = {
    "season": "winter_bare",
    "weather": "light_rain",
    "time_of_day": "blue_hour",
    "mood_lighting": "unknown",
}
TRUE = [
    "",
    "season is winter_bare",
    "season_cycle == 'winter_bare'",
    'weather_conditions = "light rain"',
    "weather in [hail, light_rain]",
    "weather not in [hail, heavy_rain]",
    "season != summer_lush",
    "season is not summer lush",
    "if the scene shows Light Rain",
    "the season isn't summer_lush",
    "weather is hail or season is winter_bare",
    "weather is light_rain and season is winter-bare",
    "weather is hail and season is summer_lush or time_of_day == blue_hour",
    "weather is heavy_rain or light_rain",
    "blue_hour",  # a palette too, but of that nothing is known
    "it looks foggy or season is winter_bare",
    "not not winter_bare",
]
FALSE = [
    "season is summer_lush",
    "weather is not light_rain",
    "weather != light_rain",
    "no light rain",
    "weather in [hail, fog_dense]",
    "weather is light_rain and season is summer_lush",
    "it looks foggy and season is summer_lush",
    "without light_rain or with hail",
    "weather is neither light_rain nor heavy_rain",
    "unless it shows light_rain",
]
UNTOLD = [
    "it is foggy",
    "season is light_rain",
    "time_of_day is winter_bare",
    "mood_lighting is serene_calm",
    "mood_lighting is not serene_calm",
    "color_grading == warm_sunset",
    "altitude > 3",
    "it is foggy or season is summer_lush",
    "it is foggy and season is winter_bare",
    "heavy_rainfall",
    " and or not ",
]


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [*((c, True) for c in TRUE), *((c, False) for c in FALSE), *((c, None) for c in UNTOLD)],
)
def test_verdicts_by_hand(condition, verdict):
    assert holds(condition, CONTEXT) is verdict


WORDS = st.sampled_from([*TRUE, *FALSE, *UNTOLD, "and", "or", "not", "!=", "’", "(", "\n", "é"])


@settings(max_examples=100, deadline=None)
@given(st.lists(WORDS, max_size=6).map(" ".join) | st.text(max_size=30))
def test_any_text_has_a_verdict(condition):
    assert holds(condition, CONTEXT) in (True, False, None)
    assert holds(condition, {}) is (True if not condition.strip() else None)
