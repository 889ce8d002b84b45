from agentic_styling.data.goals.goals import CLASHES, clash
from agentic_styling.tools import VOCABULARY


def test_clashes_name_options_that_exist_and_are_found_either_way_round():
    for row in CLASHES:
        for dimension, names in (item for side in row for item in side.items()):
            assert set(names) <= set(
                VOCABULARY[dimension].parameters[VOCABULARY[dimension].target].values
            )
    assert clash({"weather": "clear_sunny", "time_of_day": "midnight_dark"})
    assert clash({"time_of_day": "midnight_dark", "weather": "clear_sunny"})
    assert clash({"time_of_day": "midnight_dark", "weather": "light_rain"}) is None
