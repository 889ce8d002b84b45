import numpy as np
import pytest

from agentic_styling.evaluation.perception import confusion
from agentic_styling.evaluation.results import aggregate
from agentic_styling.tools import DIMENSIONS
from tests.evaluation.test_results import entry

FOG, MIST, HAIL = ({"weather": name} for name in ("fog_dense", "mist_light", "hail"))
STATES = [FOG, FOG, FOG, MIST, HAIL | {"season": "winter_bare"}, {}, {"weather": "unknown"}]
READ = [FOG, FOG, MIST, {}, HAIL | {"season": "winter_bare"}, MIST, {}]
OTHER = [MIST, FOG, {}, FOG, None, {}, {}]  # with another case's picture
PHOTOS = "aabbccc"


def records(read, told=None):
    made = []
    for row, (state, context, other) in enumerate(zip(STATES, read, OTHER, strict=True)):
        shuffled = {"valid": other is not None, "context": other, "reward": 1.0}
        own = entry(2.0 + row % 2, context, shuffled)
        if told:
            own["true_context"] = {"valid": True, "reward": told[row]}
        made.append({"state": state, "photo": PHOTOS[row], "methods": {"standard": own}})
    return made


def numbers(made):
    return aggregate(made, samples=400, seed=0)["methods"]["standard"]


def test_a_confusion_by_hand():
    counts = confusion([*READ, None], [*STATES, MIST])
    assert tuple(counts) == DIMENSIONS
    assert counts["weather"] == {
        "hail": {"hail": 1},
        "fog_dense": {"fog_dense": 2, "mist_light": 1},
        "mist_light": {"unknown": 1, "invalid": 1},
        "unknown": {"mist_light": 1, "unknown": 1},
    }
    assert counts["season"] == {
        "winter_bare": {"winter_bare": 1},
        "unknown": {"unknown": 6, "invalid": 1},
    }


def test_the_vocabularys_order_is_kept():
    """So that the diagonal is one."""
    assert list(confusion([HAIL, FOG, MIST], [MIST, HAIL, FOG])["weather"]) == [
        "fog_dense",
        "mist_light",
        "hail",
    ]


def test_what_is_read_right_by_dimension_and_option():
    read = numbers(records(READ))["perception"]["dimensions"]
    weather = {name: value for name, value in read["weather"].items() if name != "confusion"}
    fog, mist, hail = (weather["options"][name] for name in ("fog_dense", "mist_light", "hail"))
    assert (fog["cases"], fog["right"]) == (3, 2)
    assert fog["accuracy"] == pytest.approx(2 / 3)
    assert fog["shuffled_accuracy"] == pytest.approx(1 / 3)
    assert mist == {"cases": 1, "right": 0, "accuracy": 0, "shuffled_accuracy": 0}
    assert hail == {"cases": 1, "right": 1, "accuracy": 1, "shuffled_accuracy": 0}
    assert (weather["cases"], weather["right"], weather["accuracy"]) == (5, 3, 0.6)
    assert weather["shuffled_accuracy"] == 0.2
    nothing = {"cases": 0, "right": 0, "accuracy": None, "shuffled_accuracy": None, "options": {}}
    unset = {"confusion": {"unknown": {"unknown": 7}}}
    assert read["artistic_medium"] == nothing | unset


def test_totals_are_those_of_context_accuracy_known():
    made = records(READ)
    # A second training run, which reads nothing right and writes no plan once.
    for record, wrong in zip(made, [MIST, HAIL, None, HAIL, FOG, {}, {}], strict=True):
        own = record["methods"]["standard"]
        own["more_runs"] = [own | {"context": wrong}]
    whole = numbers(made)
    by_dimension = whole["context_accuracy_known_per_dimension"]
    read = whole["perception"]["dimensions"]
    assert {name: read[name]["accuracy"] for name in DIMENSIONS} == pytest.approx(by_dimension)
    assert (read["weather"]["cases"], read["weather"]["right"]) == (10, 3)
    for values in read.values():
        rows = values["confusion"]
        known = {true: row for true, row in rows.items() if true != "unknown"}
        assert sum(sum(row.values()) for row in rows.values()) == 2 * len(STATES)
        assert sum(sum(row.values()) for row in known.values()) == values["cases"]
        assert sum(row.get(true, 0) for true, row in known.items()) == values["right"]
        assert known.keys() == values["options"].keys()


def test_what_reading_right_is_worth():
    told = [3.0, 3.0, 3.0, 3.0, 4.0, 4.0, 4.0]
    worth = numbers(records(READ, told))["perception"]
    assert worth["reward_with_true_context"]["mean"] == pytest.approx(24 / 7)
    gained = worth["true_context_minus_own"]
    # By photograph +1 and 0, +1 and 0, then +2, +1 and +2: cases of one are drawn together.
    assert gained["mean"] == pytest.approx(1.0)
    assert (gained["low"], gained["high"]) == pytest.approx((0.5, 5 / 3))
    assert "reward_with_true_context" not in numbers(records(READ))["perception"]


@pytest.mark.parametrize("missing", ["shuffled", "context"])
def test_methods_that_read_no_picture_have_none(missing):
    made = records(READ)
    if missing == "shuffled":
        for record in made:
            record["methods"]["standard"]["shuffled"] = None
        assert numbers(made)["perception"] is None
    else:
        for record in made:
            record["methods"] = {"edit_only": record["methods"]["standard"]}
        found = aggregate(made, samples=10, seed=0)["methods"]["edit_only"]
        assert found["perception"] is None and np.isfinite(found["reward"]["mean"])
