"""Suggestions for names that are wrong."""

from agentic_styling.utils.errors import nearest


def test_nearest_names_the_closest_or_lists_all():
    assert nearest("nite_moonlit", ["night_moonlit", "dusk"]) == "did you mean 'night_moonlit'?"
    assert nearest("zzz", ["night_moonlit", "dusk"]) == "use one of night_moonlit, dusk"
    assert nearest(7, ["a", "b"]) == "use one of a, b"
