"""The demo's goals: fixed looks, whose held-out phrasings training words suffice to read."""

import itertools
import re
from collections import Counter

import numpy as np
import pytest

from agentic_styling.data.goals.goals import clash
from agentic_styling.data.goals.sets import LEVELS, SPLITS, read, sample_goal, set_themes
from agentic_styling.data.photos.states import sample_state, source_of
from agentic_styling.tools import MODIFIERS, VOCABULARY, Plan

COUNT = 1000
COMMON = set(
    re.findall("[a-z]+", "a an and as at by for from in is it like no not of on that the to with")
)


def words(texts):
    return {w for text in texts for w in re.findall("[a-z0-9]+", text.lower())} - COMMON


def looks(theme):
    return {name: next(iter(weights)) for name, weights in theme.targets.items()}


@pytest.fixture(scope="module")
def drawn():
    """Of each split, states and their goals."""
    rows = {}
    for split in SPLITS:
        rngs = [np.random.default_rng([7, i]) for i in range(COUNT)]
        states = [sample_state(rng) for rng in rngs]
        goals = [sample_goal("demo", s, split, r) for s, r in zip(states, rngs, strict=True)]
        rows[split] = list(zip(states, goals, strict=True))
    return rows


def test_themes_ask_for_one_look_each_that_exists():
    themes = set_themes("demo")
    assert len({t.name for t in themes}) == len({t.noun for t in themes}) == len(themes) == 30
    assert len({tuple(sorted(looks(t).items())) for t in themes}) == 30
    for theme in themes:
        assert 2 <= len(theme.targets) <= 4 and not theme.held_out
        assert all(len(weights) == 1 for weights in theme.targets.values())
        for name, option in looks(theme).items():
            assert option in VOCABULARY[name].parameters[VOCABULARY[name].target].values


def test_themes_have_explicit_and_vague_phrasings_in_every_split():
    for theme in set_themes("demo"):
        assert set(theme.phrasings) == {"explicit", "vague"} < set(LEVELS)
        for texts in theme.phrasings.values():
            assert {split: len(rows) for split, rows in texts.items()} == {
                "train": 4,
                "validation": 1,
                "test": 1,
            }


def test_no_phrasing_is_shared_between_splits_or_themes():
    texts = [
        text
        for theme in set_themes("demo")
        for splits in theme.phrasings.values()
        for rows in splits.values()
        for text in rows
    ]
    plain = Counter(re.sub("[^a-z0-9 ]", "", text.lower()) for text in texts)
    assert [text for text, count in plain.items() if count > 1] == []


@pytest.mark.parametrize("split", ["validation", "test"])
def test_held_out_phrasings_can_be_guessed_from_the_words_of_training_ones(split):
    for theme in set_themes("demo"):
        known = words(text for texts in theme.phrasings.values() for text in texts["train"])
        for text in (text for texts in theme.phrasings.values() for text in texts[split]):
            mine = words([text])
            assert len(mine & known) >= 0.6 * len(mine), (theme.name, text)


def test_splits_share_no_goal(drawn):
    texts = {split: {goal.text for _, goal in drawn[split]} for split in SPLITS}
    templates = read("demo")["composed"]["templates"]
    for one, other in itertools.combinations(SPLITS, 2):
        assert not texts[one] & texts[other]
        assert not set(templates[one]) & set(templates[other])


def test_goals_ask_for_one_to_four_changes_that_agree(drawn):
    for state, goal in (row for split in SPLITS for row in drawn[split]):
        Plan(state, goal.request)  # raises unless valid
        changes = [s for s in goal.request if s.tool not in MODIFIERS]
        assert 1 <= len(changes) <= 4 and len(goal.request) - len(changes) <= 1
        assert all(s.option != state.get(s.tool) for s in changes)
        assert all(source_of(s) == state.get(s.tool, "unknown") for s in changes)
        if not goal.theme:
            assert clash({s.tool: s.option for s in changes}) is None


def test_shares_are_as_the_file_says(drawn):
    goals = [goal for _, goal in drawn["train"]]
    strengths = [s.parameters["strength"] for g in goals for s in g.request[:1]]
    assert {g.theme for g in goals} == {t.name for t in set_themes("demo")} | {""}
    assert 0.55 < np.mean([g.theme != "" for g in goals]) < 0.8
    assert 0.15 < np.mean([g.request[-1].tool in MODIFIERS for g in goals]) < 0.25
    assert abs(np.mean(np.array(strengths) == 0.75) - 0.5) < 0.06
    known = [source_of(s) != "unknown" for g in goals for s in g.request if s.tool not in MODIFIERS]
    assert np.mean(known) > 0.25  # else a planner that ignores the picture loses little
    levels = Counter(g.level for g in goals if g.theme)
    assert abs(levels["explicit"] / levels.total() - 0.4 / 0.7) < 0.07
