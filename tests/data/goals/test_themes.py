import re

from agentic_styling.data.goals.themes import themes
from agentic_styling.data.goals.words import NOUNS, listing, noun, phrase, scene
from agentic_styling.tools import DIMENSIONS, UNKNOWN, VOCABULARY

COMMON = set(
    re.findall("[a-z]+", "a an and as at by for from in is it like no not of on that the to with")
)


def options(dimension):
    tool = VOCABULARY[dimension]
    return set(tool.parameters[tool.target].values) - {UNKNOWN}


def words(texts):
    return {w for text in texts for w in re.findall("[a-z0-9]+", text.lower())} - COMMON


def test_themes_ask_for_options_that_exist():
    assert len(themes()) >= 24
    assert len({t.name for t in themes()}) == len(themes())
    for theme in themes():
        assert 1 <= len(theme.targets) <= 4
        for dimension, option in theme.targets.items():
            assert dimension in DIMENSIONS and option in options(dimension), theme.name


def test_themes_differ_in_what_they_ask_for():
    assert len({tuple(sorted(t.targets.items())) for t in themes()}) == len(themes())


def test_every_theme_has_explicit_and_vague_phrasings_in_both_splits():
    for theme in themes():
        for split, least in (("train", 3), ("test", 1)):
            flags = [explicit for _, explicit in theme.phrasings[split]]
            assert flags.count(True) >= least and flags.count(False) >= least, theme.name


def test_no_phrasing_is_shared_between_splits_or_themes():
    texts = [text for t in themes() for split in t.phrasings.values() for text, _ in split]
    plain = [re.sub("[^a-z0-9 ]", "", text.lower()) for text in texts]
    assert len(set(plain)) == len(plain)


def test_test_phrasings_can_be_guessed_from_the_words_of_training_ones():
    for theme in themes():
        known = words(text for text, _ in theme.phrasings["train"])
        for text, _ in theme.phrasings["test"]:
            mine = words([text])
            assert len(mine & known) >= 0.6 * len(mine), (theme.name, text)


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
