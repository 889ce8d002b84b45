import itertools
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentic_styling.data.goals.goals import CONSTRAINTS, STRENGTHS, clash, compatible_constraints
from agentic_styling.data.goals.sets import (
    LEVELS,
    NONE,
    PLACES,
    SPLITS,
    ask,
    atoms,
    draw_targets,
    fill,
    read,
    sample_goal,
    set_themes,
)
from agentic_styling.data.goals.sets import PAPER_SETS as SETS
from agentic_styling.data.photos.states import STATES, sample_state, source_of
from agentic_styling.tools import DIMENSIONS, MODIFIERS, VOCABULARY, Plan
from agentic_styling.utils.errors import InputError

STEPS = {"simple": (1, 2), "regular": (3, 5), "complex": (3, 5)}
THEMES = [(name, theme) for name in ("regular", "complex") for theme in set_themes(name)]
COUNT = 300


def options(dimension):
    return VOCABULARY[dimension].parameters[VOCABULARY[dimension].target].values


def combinations(theme):
    for drawn in itertools.product(*theme.targets.values()):
        yield {d: o for d, o in zip(theme.targets, drawn, strict=True) if o != NONE}


def plain(text):
    return re.sub("[^a-z0-9 ]", "", text.lower())


def draw(set_name, split, seed):
    rng = np.random.default_rng(seed)
    state = sample_state(rng)
    return state, sample_goal(set_name, state, split, rng)


def is_change(step):
    return step.tool not in MODIFIERS


@pytest.fixture(scope="module")
def drawn():
    return {
        (name, split): [draw(name, split, [5, i]) for i in range(COUNT)]
        for name in SETS
        for split in SPLITS
    }


@pytest.fixture(scope="module")
def phrasings():
    """Every text of each split before strength and constraint; of Simple, without its pairs."""
    texts = {split: set() for split in SPLITS}
    for _, theme in THEMES:
        for level, split in itertools.product(LEVELS, SPLITS):
            for text in theme.phrasings[level].get(split, ()):
                filled = [text]
                if level == "explicit":
                    filled = [fill(text, targets) for targets in combinations(theme)]
                texts[split] |= set(map(plain, filled))
    manners = read("simple")["manners"]
    for dimension, row in read("simple")["dimensions"].items():
        for split in SPLITS:
            hints = [t for texts in row["suggestive"].values() for t in texts.get(split, ())]
            texts[split] |= set(map(plain, hints))
            for text, manner in itertools.product(row["explicit"][split], manners[split]):
                named = [manner.format(ask(dimension, o, text)) for o in row["suggestive"]]
                texts[split] |= set(map(plain, named))
    return texts


def endings(split):
    """What may follow a phrasing."""
    clauses = read("clauses")
    strengths = [text for texts in clauses["strength"].values() for text in texts[split]]
    kept = [f", {t}" for texts in clauses["constraint"].values() for t in texts[split]]
    return {plain(a + b) for a in strengths for b in ["", *kept]}


def test_there_are_as_many_themes_as_documented():
    for name, count, held_out in (("regular", 10, 2), ("complex", 83, 17)):
        assert len({t.name for t in set_themes(name)}) == len(set_themes(name)) == count
        assert sum(t.held_out for t in set_themes(name)) == held_out
    assert len({t.name for _, t in THEMES}) == len({t.noun for _, t in THEMES}) == 93


@pytest.mark.parametrize(("set_name", "theme"), THEMES, ids=[t.name for _, t in THEMES])
def test_a_theme_asks_for_options_that_exist_and_agree(set_name, theme):
    for dimension, weights in theme.targets.items():
        assert set(weights) - {NONE} <= set(options(dimension)), dimension
        assert all(weight > 0 for weight in weights.values())
    for targets in combinations(theme):
        assert STEPS[set_name][0] <= len(targets) <= STEPS[set_name][1]
        assert clash(targets) is None, targets
        assert any(kept in theme.keep for _, kept in compatible_constraints(targets)), targets
    may_keep = {k for t in combinations(theme) for _, k in compatible_constraints(t)}
    assert set(theme.keep) <= may_keep - ({"color"} if "season" in theme.targets else set())


@pytest.mark.parametrize(("set_name", "theme"), THEMES, ids=[t.name for _, t in THEMES])
def test_a_theme_has_phrasings_of_every_level_in_its_splits(set_name, theme):
    for level in LEVELS:
        texts = theme.phrasings[level]
        assert set(texts) == ({"test"} if theme.held_out else set(SPLITS))
        assert len(texts["test" if theme.held_out else "train"]) >= 3
        for text in (text for rows in texts.values() for text in rows):
            slots = re.findall("{.*?}", text)
            assert slots in ([["{scene}"], ["{list}"]] if level == "explicit" else [[]]), text
            assert text == text.strip() and "  " not in text and text[-1] not in ".,;", text


def test_no_phrasing_is_written_twice():
    texts = [t for _, theme in THEMES for level in theme.phrasings.values() for t in level.values()]
    for row in read("simple")["dimensions"].values():
        texts += [t for hints in row["suggestive"].values() for t in hints.values()]
    counts = Counter(plain(text) for rows in texts for text in rows)
    assert [text for text, count in counts.items() if count > 1] == []


def test_simple_has_every_dimension_and_holds_out_some_targets():
    seen, held_out = atoms(False), atoms(True)
    assert list(seen) == list(held_out) == list(DIMENSIONS)
    for name in DIMENSIONS:
        assert set(seen[name]) | set(held_out[name]) <= set(options(name))
        assert not set(seen[name]) & set(held_out[name])
        assert len(seen[name]) >= 3 and len(held_out[name]) >= 1
    assert sum(map(len, held_out.values())) == 24 and sum(map(len, seen.values())) == 89


def test_splits_share_no_phrasing(phrasings):
    for one, other in itertools.combinations(SPLITS, 2):
        assert not phrasings[one] & phrasings[other]
        # Two texts with endings can only be alike if the phrasings are, or one holds an ending.
        mine, theirs = endings(one) - {""}, endings(other) - {""}
        assert not [(a, b) for a in mine for b in theirs if a.endswith(b) or b.endswith(a)]
    every = tuple(ending for split in SPLITS for ending in endings(split) - {""})
    assert not [text for split in SPLITS for text in phrasings[split] if text.endswith(every)]


def test_splits_share_no_pair_of_simple():
    # No first clause of a split begins one of another.
    firsts = {split: set() for split in SPLITS}
    for dimension, row in read("simple")["dimensions"].items():
        for split in SPLITS:
            for text in row["explicit"][split]:
                firsts[split] |= {plain(ask(dimension, o, text)) for o in row["suggestive"]}
    openings = {
        plain(t.split("{}")[0]) for texts in read("simple")["pairs"].values() for t in texts
    }
    assert openings == {"", "please ", "first "}
    for one, other in itertools.permutations(SPLITS, 2):
        starts = tuple(firsts[other])
        assert not [t for t in firsts[one] if t.startswith((*starts, "please ", "first "))]


def test_splits_share_no_goal(drawn):
    texts = {s: {plain(g.text) for n in SETS for _, g in drawn[n, s]} for s in SPLITS}
    for one, other in itertools.combinations(SPLITS, 2):
        assert not texts[one] & texts[other]


@given(st.sampled_from(SETS), st.sampled_from(SPLITS), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_goals_have_the_steps_of_their_set_and_depend_on_nothing_else(set_name, split, seed):
    state, goal = draw(set_name, split, seed)
    assert draw(set_name, split, seed) == (state, goal)
    Plan(state, goal.request)  # raises unless valid
    low, high = STEPS[set_name]
    assert low <= len(goal.request) <= high
    changes = list(filter(is_change, goal.request))
    assert changes and len(goal.request) - len(changes) <= 1
    for step in changes:
        assert step.option != state.get(step.tool)
        assert source_of(step) == state.get(step.tool, "unknown")
    assert goal.explicit == (goal.level == "explicit")
    assert not re.search("[_{}]", goal.text)


@pytest.mark.parametrize("set_name", SETS)
def test_every_state_finds_a_goal(set_name):
    for dimension, (_, shown) in STATES.items():
        for option, split in itertools.product(shown, SPLITS):
            sample_goal(set_name, {dimension: option}, split, np.random.default_rng(0))


def test_what_is_held_out_is_only_in_test(drawn):
    for name in SETS:
        held_out = {t.name for t in set_themes(name) if t.held_out} if name != "simple" else {""}
        for split in SPLITS:
            goals = [goal for _, goal in drawn[name, split]]
            share = np.mean([goal.held_out for goal in goals])
            assert abs(share - 0.5) < 0.115 if split == "test" else share == 0
            if name != "simple":
                assert all((goal.theme in held_out) == goal.held_out for goal in goals)
                continue
            for goal in goals:
                asked = {(s.tool, s.option) for s in goal.request}
                held = {pair for pair in asked if pair[1] in atoms(True)[pair[0]]}
                assert goal.theme == "" and (goal.held_out or not held)


def test_pairs_of_simple_agree(drawn):
    sizes = Counter()
    for _, goal in (row for split in SPLITS for row in drawn["simple", split]):
        targets = {step.tool: step.option for step in goal.request}
        assert clash(targets) is None and not (len(targets) == 2 and targets.keys() <= PLACES)
        sizes[len(targets)] += 1
    assert 0.45 < sizes[2] / sizes.total() < 0.65  # a pair is relevant more often


def test_constraints_suit_the_theme_and_contradict_no_target(drawn):
    for name, low, high in (("simple", 0, 0), ("regular", 0.1, 0.25), ("complex", 0.4, 0.6)):
        keeps = {t.name: t.keep for t in set_themes(name)} if high else {}
        goals = [goal for split in SPLITS for _, goal in drawn[name, split]]
        constrained = [goal for goal in goals if not is_change(goal.request[-1])]
        assert low <= len(constrained) / len(goals) <= high
        for goal in constrained:
            key = goal.request[-1].tool, goal.request[-1].option
            targets = {s.tool: s.option for s in goal.request[:-1]}
            assert key in compatible_constraints(targets) and key[1] in keeps[goal.theme]


def test_the_words_of_strength_and_constraint_match_the_request(drawn):
    clauses = read("clauses")
    assert set(clauses["strength"]) == set(map(str, STRENGTHS))
    assert set(clauses["constraint"]) == {kept for _, kept in CONSTRAINTS}
    for (_, split), rows in drawn.items():
        for _, goal in rows:
            text, last = goal.text, goal.request[-1]
            if not is_change(last):
                said = clauses["constraint"][last.option][split]
                (ending,) = (f", {t}" for t in said if text.endswith(f", {t}"))
                text = text.removesuffix(ending)
            strength = str(goal.request[0].parameters["strength"])
            assert text.endswith(tuple(clauses["strength"][strength][split]))
            others = [
                t
                for s in set(clauses["strength"]) - {strength}
                for t in clauses["strength"][s][split]
                if t
            ]
            assert not text.endswith(tuple(others))


@pytest.mark.parametrize("name", ["lighthouse_gale", "victorian_library", "dolls_house"])
def test_options_are_drawn_by_weight(name):
    (theme,) = (theme for _, theme in THEMES if theme.name == name)
    rng, draws = np.random.default_rng(0), 2000
    targets = [draw_targets(theme, rng) for _ in range(draws)]
    for dimension, weights in theme.targets.items():
        counts = Counter(t.get(dimension, NONE) for t in targets)
        expected = {o: draws * w / sum(weights.values()) for o, w in weights.items()}
        assert set(counts) <= set(expected)
        chi_square = sum((counts[o] - e) ** 2 / e for o, e in expected.items())
        assert chi_square < 16.3  # 1 in 1,000 at 3 degrees of freedom, the most there are


def test_goals_keep_the_weights_of_their_theme():
    (theme,) = (theme for _, theme in THEMES if theme.name == "victorian_library")
    goals = [
        sample_goal("regular", {}, "train", np.random.default_rng([9, i])) for i in range(1600)
    ]
    counts = Counter(goal.theme for goal in goals)
    seen = [t.name for t in set_themes("regular") if not t.held_out]
    assert set(counts) == set(seen)
    assert all(abs(counts[name] - 200) < 4 * 13.2 for name in seen)  # binomial, 1600 of 1 in 8
    levels = Counter(goal.level for goal in goals)
    for level, share in LEVELS.items():
        assert abs(levels[level] / 1600 - share) < 0.05
    mine = [s for g in goals if g.theme == theme.name for s in g.request]
    ornate = [s.option == "victorian_ornate" for s in mine if s.tool == "architecture_style"]
    assert abs(np.mean(ornate) - 0.75) < 4 * np.sqrt(0.75 * 0.25 / len(ornate))


def test_explicit_goals_name_what_they_ask_for():
    targets = {"weather": "hail", "color_grading": "cool_blue"}
    assert fill("a pier {scene}", targets) == "a pier in pelting hail, in cool blues"
    assert fill("a pier: {list}", targets) == "a pier: pelting hail, cool blues"
    assert ask("architecture_style", "ruins_ancient", "redo it {phrase}: {noun}") == (
        "redo it in the style of ancient ruins: ancient ruins"
    )


@pytest.mark.parametrize(("set_name", "split"), [("huge", "train"), ("simple", "valid")])
def test_unknown_names_are_refused(set_name, split):
    with pytest.raises(InputError, match="is not known"):
        sample_goal(set_name, {}, split, np.random.default_rng(0))
