"""Goals in everyday words."""

import itertools
import json
import re
import string
from collections import Counter

import numpy as np
import pytest

from agentic_styling.data.goals import wishes
from agentic_styling.data.goals.goals import clash, make_request
from agentic_styling.data.goals.wishes import KINDS, NAMES, every_name, sample_wish
from agentic_styling.data.photos.states import sample_state
from agentic_styling.tools import DIMENSIONS, MODIFIERS, UNKNOWN, VOCABULARY, Plan
from agentic_styling.utils.package_data import read_beside

COUNT = 8000
FORMS = {"nouns", "phrases", "adjectives", "orders"}
LIGHT = "night_moonlit"


@pytest.fixture(scope="module")
def words():
    return read_beside(wishes.__file__, "wishes.json")


@pytest.fixture(scope="module")
def draws():
    """(state, goal) of COUNT draws."""
    rng = np.random.default_rng(11)
    states = [sample_state(rng) for _ in range(COUNT)]
    return [(state, sample_wish(rng, state)) for state in states]


def changes(goal):
    """The steps of a request that change something."""
    return [step for step in goal.request if step.tool not in MODIFIERS]


def core(name):
    """A name without the small words that may stand before it."""
    small = "in|at|on|as|with|like|a|an|the|some|it|make|add|turn|into"
    text = name.lower().replace("{}", "it")
    return re.sub(rf"^(?:(?:{small}) )+", "", text)


def test_every_option_has_names_of_every_kind():
    assert list(NAMES) == list(DIMENSIONS)
    for dimension, options in NAMES.items():
        assert list(options) == [o for o in VOCABULARY[dimension].options if o != UNKNOWN]
        for option, forms in options.items():
            assert FORMS - {"adjectives"} <= set(forms) <= FORMS, option
            assert len({core(name) for names in forms.values() for name in names}) >= 8, option
            assert all(name == name.strip() and name for names in forms.values() for name in names)
            assert all(n.count("{}") <= (form == "orders") for form in forms for n in forms[form])
    assert sum(map(len, NAMES.values())) == 171


def test_no_name_means_two_options():
    owners = {}
    for dimension, options in NAMES.items():
        for option, forms in options.items():
            for name in {core(name) for names in forms.values() for name in names}:
                assert owners.setdefault(name, (dimension, option)) == (dimension, option), name


def test_every_request_is_a_valid_plan_without_clashes(draws):
    for state, goal in draws:
        assert goal.text == goal.text.strip() and not set("{}") & set(goal.text)
        assert "  " not in goal.text
        assert goal.theme == "" and goal.explicit == (goal.level == "explicit")
        assert goal.level in ("explicit", "vague")
        assert Plan(state, goal.request).steps == goal.request
        targets = {step.tool: step.option for step in changes(goal)}
        assert len(targets) <= 4 and len(goal.request) - len(targets) <= 1
        assert clash(targets) is None
        for name, option in targets.items():
            assert state.get(name, UNKNOWN) != option
            step = next(s for s in goal.request if s.tool == name)
            assert step.parameters[VOCABULARY[name].source] == state.get(name, UNKNOWN)


def test_every_option_constraint_and_number_of_wishes_is_drawn(draws):
    drawn = Counter((step.tool, step.option) for _, goal in draws for step in goal.request)
    assert {(d, o) for d in NAMES for o in NAMES[d]} <= drawn.keys()
    for tool in ("exclude_region", "preserve_object_category"):
        assert {(tool, kept) for kept in VOCABULARY[tool].options} <= drawn.keys()
    assert {("preserve_attribute", kept) for kept in ("color", "lighting")} <= drawn.keys()
    assert sum(drawn[key] for key in drawn if key[0] == "preserve_attribute") < COUNT / 15
    sizes = np.bincount([len(changes(goal)) for _, goal in draws], minlength=5) / COUNT
    assert sizes[0] < 0.1 and sizes[1] + sizes[2] > 0.7 and (sizes[3:5] > 0.03).all()


def degree_pattern(row):
    """Matches the words of a strength."""
    parts = {
        part.strip(" ,.-()") for texts in row.values() for t in texts for part in [*t.split("{}")]
    }
    parts -= {"", "as", "so"}
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(parts)))})\b")


def test_a_strength_is_that_of_the_words_said(words, monkeypatch):
    monkeypatch.setattr(wishes, "TYPO_SHARE", 0)
    slight, strong = (degree_pattern(words["degrees"][key]) for key in ("0.5", "1.0"))
    for options in NAMES.values():
        names = [n.lower() for forms in options.values() for names in forms.values() for n in names]
        assert not [n for n in names if slight.search(n)]
    rng, right, said = np.random.default_rng(2), Counter(), Counter()
    for _ in range(COUNT // 2):
        goal = sample_wish(rng, {})
        strengths = {step.strength for step in changes(goal)}
        text = goal.text.lower().replace("super nintendo", "")
        if not strengths:
            continue
        if 0.5 not in strengths:
            assert not slight.search(text), text
        if 1.0 not in strengths:
            assert not strong.search(slight.sub("", text)), text
        for strength, pattern in ((0.5, slight), (1.0, strong)):
            said[strength] += strength in strengths
            right[strength] += strength in strengths and bool(pattern.search(text))
    # "so" is not looked for.
    assert all(right[key] > 0.97 * said[key] > 0.1 * COUNT / 2 for key in said)


def test_scenes_are_vague_and_ask_for_several_options(draws, words):
    scenes = words["scenes"]
    assert len(scenes) == 400 and all(len(scene["texts"]) >= 6 for scene in scenes)
    for scene in scenes:
        assert 2 <= len(scene["options"]) <= 4 and clash(scene["options"]) is None
        assert all(option in NAMES[name] for name, option in scene["options"].items())
    texts = [text.lower() for scene in scenes for text in scene["texts"]]
    assert len(texts) == len(set(texts))
    vague = [(state, goal) for state, goal in draws if goal.level == "vague"]
    assert 0.045 < len(vague) / COUNT < 0.075
    asked = [scene["options"].items() for scene in scenes]
    for state, goal in vague:
        found = {step.tool: step.option for step in changes(goal)}.items()
        assert any(found == {*row} - {*state.items()} for row in asked)


@pytest.mark.parametrize(
    ("adjective", "noun", "text"),
    [
        ("rainy", "a night", "a rainy night"),
        ("icy", "a morning in May", "an icy morning in May"),
        ("misty", "falling leaves", "misty falling leaves"),
        ("moonlit", "the sea", "the moonlit sea"),
    ],
)
def test_an_adjective_goes_before_a_noun(adjective, noun, text):
    assert wishes._before_noun(adjective, noun) == text


def test_a_compound_asks_for_all_that_it_names(monkeypatch):
    monkeypatch.setattr(wishes, "KINDS", {("compound", "phrases"): 1.0})
    for share in ("SCENE", "UNKNOWN", "FILLER", "KEEP", "NOT", "TYPO", "TWICE"):
        monkeypatch.setattr(wishes, f"{share}_SHARE", 0)
    goals = [sample_wish(np.random.default_rng(i), {}) for i in range(400)]
    several = [goal for goal in goals if len(goal.request) > 1]
    assert len(several) > 100
    named = 0
    for goal in several:
        options = [NAMES[step.tool][step.option] for step in goal.request]
        text = goal.text.lower()
        named += any(
            f"{a} {n.removeprefix('a ').removeprefix('an ').removeprefix('the ')}".lower() in text
            for one in options
            for other in options
            for a in one.get("adjectives", ())
            for n in other["nouns"]
        )
    assert named > 0.4 * len(several)  # options without an adjective are listed, spelling differs


def test_what_no_tool_does_has_an_empty_request_or_only_the_known_part(draws, words):
    templates = [re.split(r"\{\w+\}", t)[0].strip() for t in words["unknown"]["templates"]]
    assert len(templates) >= 70
    slots = set(re.findall(r"\{(\w+)\}", " ".join(words["unknown"]["templates"])))
    assert slots == words["unknown"]["slots"].keys()
    asked = "remove the (?!colou?r cast)|get rid of|crop|rotate|mirror it|write |joke|younger|erase"
    found = [g for _, g in draws if re.search(asked, g.text.lower())]
    alone = [g for g in found if not g.request]
    assert len(alone) > 10 and len(found) - len(alone) > 10


def test_no_scene_filler_or_unknown_order_is_a_name(words):
    slots = words["unknown"]["slots"]

    def orders(template):
        used = re.findall(r"\{(\w+)\}", template)
        for drawn in itertools.product(*(slots[name] for name in used)):
            yield re.sub(r"\{\w+\}", "{}", template).format(*drawn)

    texts = [text for scene in words["scenes"] for text in scene["texts"]]
    texts += [text for row in words["fillers"].values() for text in row]
    texts += [
        o for kind in ("templates", "alone") for t in words["unknown"][kind] for o in orders(t)
    ]
    names = {name.lower() for name in every_name()}
    assert len(texts) > 10_000 and not {text.strip(" ,.-").lower() for text in texts} & names


def test_only_whole_short_words_are_spelt_otherwise():
    assert wishes._AMERICAN.findall("my mum saw a mummy in colour") == ["mum", "colour"]


def test_draws_are_deterministic():
    def draw(seed):
        rng = np.random.default_rng(seed)
        return [sample_wish(rng, {"time_of_day": LIGHT}) for _ in range(50)]

    assert draw(3) == draw(3)
    assert draw(3) != draw(4)


def test_what_the_picture_shows_is_asked_for_but_not_in_the_request():
    state = {"time_of_day": LIGHT, "weather": "fog_dense"}
    rng = np.random.default_rng(5)
    goals = [sample_wish(rng, state) for _ in range(4000)]
    shown = [n for forms in (NAMES["time_of_day"][LIGHT], NAMES["weather"]["fog_dense"])
             for n in (*forms["nouns"], *forms["phrases"])]  # fmt: skip
    ends = "|".join(re.escape(name) for name in shown)
    asked = [g for g in goals if re.fullmatch(rf"[^,;&+]*\b({ends})[.!]?", g.text)]
    assert any(not goal.request for goal in asked)
    for goal in goals:
        assert not {LIGHT, "fog_dense"} & {step.option for step in changes(goal)}


def test_texts_vary_in_spelling_case_and_marks(draws, words):
    texts = [goal.text for _, goal in draws]
    joined = " ".join(texts).lower()
    for british, american in (("colours", "colors"), ("grey", "gray"), ("cosy", "cozy")):
        assert british in joined and american in joined
    known = set(re.findall("[a-z]+", json.dumps(words, ensure_ascii=False).lower()))
    unknown = sum(bool(set(re.findall("[a-z]{4,}", t.lower())) - known) for t in texts)
    assert 0.04 < unknown / COUNT < 0.12  # typos
    assert 0.03 < np.mean([t.isupper() for t in texts]) < 0.1
    assert 0.3 < np.mean([t[0] in string.ascii_uppercase for t in texts]) < 0.75
    ends = Counter(t[-1] if t[-1] in ".!?" else "" for t in texts)
    assert all(ends[mark] > 0.02 * COUNT for mark in ("", ".", "!", "?"))
    assert len(set(texts)) > 0.97 * COUNT


def test_each_kind_of_sentence_has_frames_and_joins(words):
    for first, others in KINDS:
        frames = words["frames"]["nouns" if first == "compound" else first]
        assert frames and all("{x}" in frame for frame in frames)
        assert words["joins"][first if first == others else "mixed"]
    assert set(words["orders"]) == set(DIMENSIONS)
    for row in words["without"]:
        assert set(row["options"]) <= {option for name in NAMES for option in NAMES[name]}


def test_negated_options_are_not_in_the_request(draws, words):
    for _, goal in draws:
        found = re.search(r"without any (.+?)(?:[,.!?]|$| )", goal.text.lower())
        rows = [r for r in words["without"] if found and found[1] in r["words"]]
        for row in rows:
            assert not {step.option for step in goal.request} & set(row["options"]), goal.text


def test_a_request_has_the_strength_of_each_dimension():
    targets = {"weather": "hail", "season": "winter_bare"}
    steps = make_request(targets, {"weather": 0.5}, {})
    assert [(s.tool, s.strength) for s in steps] == [("season", 0.75), ("weather", 0.5)]
