"""Options in words."""

from agentic_styling.data.goals.words import NOUNS, listing, noun, phrase, scene
from agentic_styling.tools import DIMENSIONS, UNKNOWN, VOCABULARY


def options(dimension):
    tool = VOCABULARY[dimension]
    return set(tool.parameters[tool.target].values) - {UNKNOWN}


def test_every_option_has_words_of_its_own():
    assert list(NOUNS) == list(DIMENSIONS)
    for dimension in DIMENSIONS:
        assert set(NOUNS[dimension]) == options(dimension)
        nouns = [noun(dimension, option) for option in options(dimension)]
        assert len(set(nouns)) == len(nouns)
        assert all("_" not in phrase(dimension, option) for option in options(dimension))


def test_phrases_read_as_english():
    assert noun("weather", "light_snow") == "light snow"
    assert phrase("time_of_day", "night_moonlit") == "on a moonlit night"
    assert phrase("artistic_medium", "oil_painting_smooth") == "as a smooth oil painting"


def test_scenes_and_lists_read_as_english():
    targets = {
        "architecture_style": "moroccan_islamic",
        "season": "autumn_falling",
        "time_of_day": "blue_hour",
        "mood_lighting": "soft_cozy",
        "color_grading": "jewel_rich",
        "weather": "light_rain",
        "artistic_medium": "gouache",
        "atmospheric_effects": "film_grain",
    }
    assert scene(targets) == (
        "in Moroccan style in golden autumn and light rain at blue hour with a soft, cosy mood "
        "and film grain, as a gouache painting in rich jewel tones"
    )
    assert scene({"color_grading": "cool_blue"}) == "in cool blues"
    places = {"location_setting": "beach_coast", "time_period": "mid_century_1950s"}
    assert scene(places) == "as if on a sandy beach and from the fifties"
    assert listing({"mood_lighting": "soft_cozy", "weather": "hail"}) == (
        "a soft cosy mood, pelting hail"
    )
