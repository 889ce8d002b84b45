"""Goals in the words of people, beside those that the package words itself.

`hand_goals.json` was written by hand. Each entry has a `goal`, its `kind`, and the `options` that
it asks for: dimension -> option, {} where the vocabulary has nothing for it. Where the goal says
so, `strength` has "slight" or "strong" for a dimension, and `keep` lists the dimensions, regions
and object categories to leave alone. `also` has what is right too: other options of a dimension,
or, where `options` lacks that dimension, options that a plan may add.
"""

import itertools
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from agentic_styling.data.goals.goals import clash
from agentic_styling.data.goals.sets import LEVELS, NONE, SETS, ask, fill, read, set_themes
from agentic_styling.tools import DIMENSIONS, VOCABULARY

GOALS = json.loads(Path(__file__).with_name("hand_goals.json").read_text(encoding="utf-8"))
KINDS = {"outright", "synonym", "several", "keep", "without", "strength", "vague", "british"}
KINDS |= {"upper_case", "typo", "unknown"}
FIELDS = {"goal", "options", "kind", "strength", "keep", "also"}
KEPT = {*DIMENSIONS, *VOCABULARY["exclude_region"].options}
KEPT |= set(VOCABULARY["preserve_object_category"].options)
FEWEST_WORDS = 3  # of a phrasing that no goal may contain; two words are anybody's


def of_kind(kind):
    return [row for row in GOALS if row["kind"] == kind]


def plain(text):
    return " ".join(re.sub("[^a-z0-9 ]", "", text.lower()).split())


def every(tree):
    """The texts in nested objects and lists."""
    if isinstance(tree, str):
        return [tree]
    return [t for part in (tree.values() if isinstance(tree, dict) else tree) for t in every(part)]


def phrasings():
    """What the package's own goals are made of, without pairs and endings."""
    texts = []
    for theme in (theme for name in SETS for theme in set_themes(name)):
        drawn = [
            {d: o for d, o in zip(theme.targets, options, strict=True) if o != NONE}
            for options in itertools.product(*theme.targets.values())
        ]
        for text in every([theme.phrasings.get(level, {}) for level in LEVELS]):
            texts += [fill(text, targets) for targets in drawn] if "{" in text else [text]
    for dimension, row in read("simple")["dimensions"].items():
        texts += every(row["suggestive"])
        texts += [ask(dimension, o, t) for t in every(row["explicit"]) for o in row["suggestive"]]
    texts += [text for text in every(read("clauses")) if text]
    return {plain(text) for text in texts}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_goals_ask_for_what_exists(kind):
    for row in of_kind(kind):
        asked, also = row["options"], row.get("also", {})
        assert row.keys() <= FIELDS, row
        assert row["goal"] == row["goal"].strip() and "  " not in row["goal"], row
        assert len(asked) <= 4 and bool(asked) == (kind != "unknown"), row
        assert {*asked, *also} <= set(DIMENSIONS), row
        assert all(option in VOCABULARY[d].options for d, option in asked.items()), row
        for dimension, options in also.items():
            right = [*options, asked.get(dimension)]
            assert options and set(options) <= set(VOCABULARY[dimension].options), row
            assert len(set(right)) == len(right), row
        assert clash(asked) is None, row
        assert set(row.get("strength", {})) <= set(asked), row
        assert set(row.get("strength", {}).values()) <= {"slight", "strong"}, row
        assert set(row.get("keep", ())) <= KEPT - set(asked), row


def test_no_goal_is_there_twice():
    counts = Counter(plain(row["goal"]) for row in GOALS)
    assert [goal for goal, count in counts.items() if count > 1] == []


def test_there_are_enough_goals_of_every_kind():
    assert len(GOALS) >= 220
    assert Counter(row["kind"] for row in GOALS).keys() == KINDS
    assert min(Counter(row["kind"] for row in GOALS).values()) >= 10
    assert Counter(len(row["options"]) for row in GOALS).keys() == {0, 1, 2, 3, 4}


def test_they_ask_for_every_option():
    asked = {pair for row in GOALS for pair in row["options"].items()}
    known = {(d, option) for d in DIMENSIONS for option in VOCABULARY[d].options}
    assert known - asked == set() and len(known) == 171


def test_a_kind_is_what_its_name_says():
    assert all(len(row["options"]) > 1 for row in of_kind("several"))
    assert all(row.get("keep") for row in of_kind("keep"))
    assert all(row.get("strength") for row in of_kind("strength"))
    assert all(len(re.findall("[A-Z]", row["goal"])) > 5 for row in of_kind("upper_case"))
    assert all("also" not in row and row["options"] == {} for row in of_kind("unknown"))


def test_no_goal_is_worded_as_the_package_words_its_own():
    said = [text for text in phrasings() if len(text.split()) >= FEWEST_WORDS]
    assert len(said) > 1000
    goals = "".join(f" {plain(row['goal'])} \n" for row in GOALS)
    assert [text for text in said if f" {text} " in goals] == []
