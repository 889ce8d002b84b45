"""A set of one's own: a JSON file of goals."""

import copy
import json

import numpy as np
import pytest

from agentic_styling.data.goals import set_files
from agentic_styling.data.goals.sets import (
    SETS,
    dimensions,
    read,
    sample_goal,
    set_label,
    set_number,
    sets_text,
)
from agentic_styling.utils.errors import InputError

ROWS = {
    "steps": [1, 3],
    "skills": {"1.0": 0.75, "0.5": 0.25},
    "constraint_share": 0.0,
    "held_out_share": 0.0,
    "themes": [
        {
            "name": "first_frost",
            "noun": "the first frost",
            "targets": {"season": {"winter_bare": 2, "autumn_falling": 1}, "weather": {"hail": 1}},
            "explicit": {
                "train": ["frost {scene}"],
                "validation": ["the frost {scene}"],
                "test": ["frosty: {list}"],
            },
        }
    ],
}


def write(path, rows):
    path.write_text(json.dumps(rows))
    return str(path)


def changed(*keys, to=None):
    rows = copy.deepcopy(ROWS)
    place = rows
    for key in keys[:-1]:
        place = place[key]
    if to is None:
        del place[keys[-1]]
    else:
        place[keys[-1]] = to
    return rows


@pytest.mark.parametrize("name", SETS)
def test_the_sets_that_ship_are_of_the_form(name):
    assert set_files.check(sets_text(name), name) == read(name)
    assert (set_label(name), set_number(name)) == (name, SETS.index(name))


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_goals_are_drawn_from_a_file(tmp_path, mark):
    path = write(tmp_path / "frost.json", ROWS)
    (tmp_path / "frost.json").write_text(mark + json.dumps(ROWS), "utf-8")
    assert set_label(path) == "frost" and set_number(path) >= len(SETS)
    assert dimensions(path, False) == {"season", "weather"}
    goals = [sample_goal(path, {}, "train", np.random.default_rng(i)) for i in range(50)]
    assert all(g.text.startswith("frost ") and g.theme == "first_frost" for g in goals)
    assert {len(g.request) for g in goals} == {2}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (changed("steps"), "'steps' is missing"),
        (changed("steps", to=[2, 9]), "steps: 2, 9; use 1 to 5"),
        (changed("steps", to=[3, 3]), "theme 'first_frost': its goals never have 3 to 3 steps"),
        (changed("skills", to={"1.0": 0.5}), "skills: the shares do not sum to 1"),
        (changed("held_out_share", to=2), r"shares are in \[0, 1\]"),
        (changed("habits", to={"misread": 1}), "habits: 'misread'.*did you mean 'misreads'"),
        (changed("habit_strength", to=2), r"habit_strength: 2 is not in \[0, 1\]"),
        (changed("held_out_share", to=0.5), "no theme is held out"),
        (changed("themes"), "give themes or dimensions"),
        (changed("themes", to=[]), "every theme is held out"),
        (changed("themes", 0, "noun", to=3), "'first_frost': noun is not text"),
        (changed("themes", 0, "held_out", to=True), "every theme is held out"),
        (changed("themes", 0, "explicit"), "has no phrasings"),
        (changed("themes", 0, "explicit", "test"), "explicit: has no phrasing for test"),
        (changed("themes", 0, "explicit", "train", to=["{what}"]), "'what' is missing"),
        (changed("themes", 0, "explicit", "train", to="frost"), "train is not a list; put it in"),
        (changed("skills", to=dict.fromkeys(("0.2", "0.5", "0.9"), 0.3333333)), "do not sum to 1"),
        (changed("themes", 0, "keep", to=["centre"]), "keep: 'centre'.*did you mean 'center'"),
        (changed("themes", 0, "targets", "seasons", to={"hail": 1}), "did you mean 'season'"),
        (changed("themes", 0, "targets", "weather", to={"hall": 1}), "did you mean 'hail'"),
        (changed("themes", 0, "targets", "weather", to={"hail": 0}), "weights are above 0"),
        ([], "not a JSON object but list"),
    ],
)
def test_a_wrong_field_is_named_in_one_line(tmp_path, rows, words):
    path = write(tmp_path / "frost.json", rows)
    with pytest.raises(InputError, match=words) as error:
        read(path)
    assert str(error.value).startswith(path) and "\n" not in str(error.value)


def test_files_that_are_not_there_or_have_a_sets_name_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.json: cannot be read"):
        read("nowhere.json")
    (tmp_path / "text.json").write_text("{")
    with pytest.raises(InputError, match=r"text\.json: not JSON"):
        read(str(tmp_path / "text.json"))
    for name in ("simple.json", "My Goals.json"):
        with pytest.raises(InputError, match="cannot name a set"):
            set_label(str(tmp_path / name))
