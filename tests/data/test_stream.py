"""The stream of fresh examples: the same again for a number, another for another, all kinds."""

from collections import Counter

import numpy as np
import pytest
from PIL import Image

from agentic_styling.data import stream
from agentic_styling.data.goals.goals import Goal
from agentic_styling.data.photos.states import sample_state
from agentic_styling.data.stream import HELD_OUT, KINDS, completion, open_stream
from agentic_styling.data.teachers.scripted import NOTHING, teach
from agentic_styling.tools import DIMENSIONS, UNKNOWN, Plan
from agentic_styling.utils.errors import InputError
from tests.data.photos.test_sources import noise

SIDE, COUNT = 16, 8
ALL = dict.fromkeys(KINDS, 1.0)
PICTURES = {kind: 1.0 for kind in KINDS if kind != "text"}
STATE = {"color_grading": "monochrome_bw"}  # one kernel to compile


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Photographs, two of which are held out."""
    folder = tmp_path_factory.mktemp("photos")
    names = ["a.png", "b.png", *sorted(HELD_OUT)[:2]]
    for seed, name in enumerate(names):
        Image.fromarray(noise(seed)).save(folder / name, "PNG")
    return folder


@pytest.fixture
def one_state(monkeypatch):
    monkeypatch.setattr(stream, "sample_state", lambda rng: STATE)


def batch(folder, index, seed=0, kinds=PICTURES):
    return open_stream(str(folder), kinds, SIDE, seed)(index, COUNT)


def pixels(examples):
    return np.stack([example.pixels for example in examples])


def words(examples):
    return [(e.photo, e.teacher, e.goal, e.plans) for e in examples]


def test_a_batch_is_a_function_of_seed_and_number(folder, one_state):
    examples = batch(folder, 3)
    again, next_, other = batch(folder, 3), batch(folder, 4), batch(folder, 3, seed=1)
    np.testing.assert_array_equal(pixels(examples), pixels(again))
    assert words(examples) == words(again)
    for changed in (next_, other):
        assert words(changed) != words(examples)
        assert (pixels(changed) != pixels(examples)).any(axis=(1, 2, 3)).all()
    first = pixels(examples)
    assert len(np.unique(first.reshape(COUNT, -1), axis=0)) == COUNT
    assert np.ptp(first.astype(int), axis=3).mean() < 15  # the state: all but without colours
    assert {e.photo for e in examples} == {"a.png", "b.png"}


def test_texts_are_those_of_the_batches(folder, one_state):
    made, examples = open_stream(str(folder), ALL, SIDE, 0), batch(folder, 3, kinds=ALL)
    assert words(made.texts(3, COUNT)) == words(examples)
    assert not pixels(made.texts(3, COUNT)).any()
    assert {e.teacher == "text" for e in examples} == {True, False}
    assert all(e.pixels.any() == (e.teacher != "text") for e in examples)


def test_rows_of_text_ask_for_wishes_and_end_with_the_steps(folder):
    examples = open_stream(str(folder), {"text": 1.0}, SIDE, 0)(0, 300)
    for example in examples:
        (plan,) = example.plans
        text, ends = completion(example)
        assert not ends and not example.state and not example.pixels.any()
        read = Plan.from_json(text + ',"instruction":""}')
        assert (read.context, read.steps) == ({}, plan.steps)
        calls = [(step.tool, step.parameters) for step in plan.steps]
        assert calls == [(step.tool, step.parameters) for step in example.goal.request]
    # Goals of wishes are explicit and have no theme; so have those of `simple`.
    wishes = np.mean([not e.goal.theme and e.goal.explicit for e in examples])
    assert 0.75 < wishes < 0.93


def test_plans_do_what_is_asked_for_and_every_kind_is_drawn(folder):
    examples = open_stream(str(folder), PICTURES, SIDE, 0).texts(0, 500)
    for example in examples:
        (plan,) = example.plans
        assert plan.context == {name: example.state.get(name, UNKNOWN) for name in DIMENSIONS}
        calls = [(step.tool, step.parameters) for step in plan.steps]
        assert calls == [(step.tool, step.parameters) for step in example.goal.request]
    kinds = Counter(example.teacher for example in examples)
    assert min(kinds[kind] for kind in PICTURES) > 40
    few = open_stream(str(folder), {"read": 3.0, "demo": 1.0}, SIDE, 0).texts(0, 200)
    assert 120 < Counter(example.teacher for example in few)["read"] < 180


def test_reading_ends_after_the_context(folder):
    examples = open_stream(str(folder), PICTURES, SIDE, 0).texts(0, 100)
    for example in examples:
        (plan,) = example.plans
        text, ends = completion(example)
        assert ends == (example.teacher != "read")
        if ends:
            assert text == plan.to_json()
        else:
            assert plan.to_json().startswith(text + '"},"steps":[')
            assert text.endswith(f'"{plan.context[DIMENSIONS[-1]]}')


def test_what_no_tool_can_do_is_answered_without_steps():
    rng = np.random.default_rng(0)
    state = sample_state(rng)
    for skill in (0.0, 1.0):
        plan = teach(Goal("Remove the dog", "", "", True, ()), state, skill, rng)
        assert not plan.steps and plan.instruction == NOTHING
        assert plan.context == {name: state.get(name, UNKNOWN) for name in DIMENSIONS}


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ({"reed": 1.0}, "kinds.reed: no kind of goal; did you mean 'read'?"),
        ({"read": -1.0, "demo": 2.0}, "kinds.read: -1.0 is negative"),
        ({"read": 0.0}, "kinds: all weights are 0; give one of read, text"),
    ],
)
def test_bad_weights_are_refused(folder, kinds, message):
    with pytest.raises(InputError) as caught:
        open_stream(str(folder), kinds, SIDE, 0)
    assert message in str(caught.value)


def test_a_folder_of_held_out_photographs_is_refused(tmp_path):
    Image.fromarray(noise(0)).save(tmp_path / min(HELD_OUT), "PNG")
    with pytest.raises(InputError, match="none of its 1 photographs can be trained on"):
        open_stream(str(tmp_path), ALL, SIDE, 0)
