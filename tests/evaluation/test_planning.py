"""Which way of decoding `evaluate` uses, what a planner is shown, and how its texts are read."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentic_styling.data.storage.training_set import build_training_set
from agentic_styling.evaluation import planning
from agentic_styling.evaluation.planning import derangement, parse, planner_answers
from agentic_styling.planner import (
    ImageSettings,
    Planner,
    Qwen3VLConfig,
    Tokenizer,
    pad_rows,
    train_tokenizer,
)
from agentic_styling.planner import planner as planner_module
from agentic_styling.tools import DIMENSIONS, Plan, Step
from agentic_styling.utils.errors import InputError
from tests.training.fixtures import make_trajectories

COUNT, SEED = 5, 3
IMAGES = np.arange(COUNT, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
GOALS = [f"goal {row}" for row in range(COUNT)]
STATES = [{"weather": str(row)} for row in range(COUNT)]


def plan_of(text):
    return Plan({}, (Step("So.", "weather", {"weather_type": "hail"}),), text)


class Reader:
    """Writes down what it is shown: the picture, the state and the goal of each row."""

    form, modality, contexts = "json", "vision", ()

    def shown(self, images, goals, states, seed, temperature, max_new_tokens):
        assert (seed, temperature, max_new_tokens) == (SEED, 0.5, 99)
        rows = zip(images[:, 0, 0, 0], states, goals, strict=True)
        return [f"{pixel} {state['weather']} {goal}" for pixel, state, goal in rows]

    def complete(self, images, goals, *, constrained, kept, contexts, **options):
        Reader.contexts += (contexts,)
        texts = self.shown(images, goals, **options)
        return [[plan_of(t).to_json() if row or constrained else t] for row, t in enumerate(texts)]


@pytest.fixture
def reader(monkeypatch):
    monkeypatch.setattr(planning.Planner, "from_pretrained", lambda directory: Reader())
    monkeypatch.setattr(Reader, "contexts", ())


def answers(constrained, **more):
    options = {
        **more,
        "constrained": constrained,
        "states": STATES,
        "seed": SEED,
        "temperature": 0.5,
        "max_new_tokens": 99,
    }
    return planner_answers("planner", IMAGES, GOALS, **options)


@pytest.mark.usefixtures("reader")
def test_cases_are_planned_under_the_grammar_with_their_own_goal():
    own, other, told = answers(constrained=True)
    assert all(answer.valid and answer.text is None for answer in own + other + told)
    assert [a.plan.instruction for a in own] == [f"{row} {row} goal {row}" for row in range(COUNT)]
    order = derangement(COUNT, SEED)
    expected = [f"{shown} {shown} goal {row}" for row, shown in enumerate(order)]
    assert [a.plan.instruction for a in other] == expected
    # Then with the true context, all ten dimensions as the teacher writes it, and the own picture.
    assert told == own
    true = [dict.fromkeys(DIMENSIONS, "unknown") | state for state in STATES]
    assert Reader.contexts == (None, None, true)


@pytest.mark.usefixtures("reader")
def test_without_perception_only_the_own_picture_is_read():
    own, other, informed = answers(constrained=True, perception=False)
    assert [a.plan.instruction for a in own] == [f"{row} {row} goal {row}" for row in range(COUNT)]
    assert other is informed is None and Reader.contexts == (None,)


@pytest.mark.usefixtures("reader")
def test_unconstrained_texts_may_be_invalid():
    own, _, told = answers(constrained=False)
    assert told is None  # how often a planner writes valid plans unaided is measured then
    assert [answer.valid for answer in own] == [False, True, True, True, True]
    assert own[0].text == "0 0 goal 0" and own[0].plan.steps == ()
    assert own[1].plan == plan_of("1 1 goal 1")


@pytest.mark.parametrize("modality", ["text", "vision"])
def test_a_planner_is_prompted_as_it_was_trained(monkeypatch, tmp_path, modality):
    cases = [t for t in make_trajectories(4, "test") if t.id.endswith("-0")]
    words = ("spring_blooming", "fog_dense", "light_snow", "summer_lush")
    cases = [dataclasses.replace(t, state={"season": w}) for t, w in zip(cases, words, strict=True)]
    train_tokenizer([t.plan.to_json() for t in cases], tmp_path, vocab_size=300)
    tokenizer, settings = Tokenizer(tmp_path), ImageSettings(min_pixels=64**2, max_pixels=64**2)
    config = Qwen3VLConfig.preset("tiny").for_tokenizer(tokenizer)
    planner = Planner(config, None, tokenizer, settings, modality=modality)
    monkeypatch.setattr(planning.Planner, "from_pretrained", lambda directory: planner)
    prompts = []

    def generate(config, params, inputs, *, rows, **_):
        pairs = zip(np.asarray(inputs.tokens), np.asarray(inputs.mask), strict=True)
        prompts.extend(tokens[mask].tolist() for tokens, mask in pairs)
        assert (inputs.patches is None) == (modality == "text")
        result = dataclasses.make_dataclass("Result", ["tokens", "lengths", "logps"])
        ids = [tokenizer.encode("{}") for _ in rows]
        return result(pad_rows(ids, 0)[0], np.array(list(map(len, ids))), np.zeros((len(ids), 1)))

    monkeypatch.setattr(planner_module, "generate", generate)
    given = {"states": [t.state for t in cases], "seed": 0, "temperature": 0.0}
    images, goals = np.stack([t.image for t in cases]), [t.goal for t in cases]
    own, _, told = planner_answers("x", images, goals, constrained=False, max_new_tokens=9, **given)
    assert not own[0].valid and own[0].text == "{}" and told is None
    trained = build_training_set(cases, tokenizer, settings, modality=modality)
    ends = zip(trained.tokens, trained.prompt_length, strict=True)
    expected = [tokens[:end].tolist() for tokens, end in ends]
    assert prompts[:4] == expected
    # Then with another's state or picture, and the case's own goal.
    assert (prompts[4:] != expected) == (modality == "text")


@given(st.integers(2, 300), st.integers(0, 2**32 - 1))
def test_derangement_is_a_permutation_without_fixed_points(count, seed):
    shuffled = derangement(count, seed)
    assert sorted(shuffled) == list(range(count))
    assert not np.any(shuffled == np.arange(count))


def test_derangement_follows_its_seed():
    assert np.array_equal(derangement(50, 7), derangement(50, 7))
    assert not np.array_equal(derangement(50, 7), derangement(50, 8))


def test_one_case_cannot_be_shuffled():
    with pytest.raises(InputError, match="at least 2"):
        derangement(1, 0)


def test_a_valid_text_is_its_plan():
    plan = Plan({"season": "winter_bare"}, (Step("r", "weather", {"weather_type": "hail"}),), "i")
    assert parse(plan.to_json()) == (plan, True, None)


@pytest.mark.parametrize(
    "text", ["", "not json", "[]", '{"steps":', '{"version":1,"steps":[{"tool":"moon"}]}']
)
def test_an_invalid_text_does_nothing_and_is_kept(text):
    plan, valid, kept = parse(text)
    assert (plan.steps, plan.context, valid, kept) == ((), {}, False, text)
