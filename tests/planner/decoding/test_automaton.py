import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentic_styling.data import sample_goal, sample_state, teach
from agentic_styling.planner.decoding.automaton import DETOURS, plan_automaton
from tests.planner.decoding.grammar_oracle import belongs, plan_samples


@pytest.fixture(scope="module")
def automaton():
    return plan_automaton()


def reads(automaton, text: bytes) -> bool:
    """Whether the automaton accepts a text of at most eight steps."""
    node, further = automaton.start, 0
    for byte in text:
        node = automaton.moves[node, byte] if node >= 0 else -1
        further += node == automaton.again
    return node == automaton.end and further < 8


def test_every_plan_is_read(automaton):
    for text in plan_samples():
        assert belongs(text.encode())
        assert reads(automaton, text.encode())


SNIPPETS = [bytes([b]) for b in b'{}[],:"\\0159.- eu\x7f\x1f\xc3\xa9\xed\xa0']
SNIPPETS += [b"true", b'"', b"0.50", b"1e-3", b"-0.0", b"\\n", b"\\u000a", b"{}"]


@settings(deadline=None, max_examples=200)
@given(data=st.data(), number=st.integers(0, 59))
def test_nothing_else_is_read(automaton, data, number):
    """Pieces cut out, doubled, moved, and bytes put in: the automaton agrees with Plan."""
    text = plan_samples()[number].encode()
    for _ in range(data.draw(st.integers(1, 2))):
        a, b, c = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 3)))
        piece = data.draw(st.sampled_from([text[a:b], b"", text[b:c], *SNIPPETS]))
        text = data.draw(
            st.sampled_from([text[:a] + piece + text[b:], text[:c] + piece + text[c:]])
        )
    assert reads(automaton, text) == belongs(text)


@settings(deadline=None, max_examples=200)
@given(
    inside=st.binary(max_size=5)
    | st.lists(
        st.sampled_from([bytes([b]) for b in b"\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf"])
        | st.sampled_from([bytes([b]) for b in b"\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4\xf5"])
        | st.sampled_from(
            [b"\\", b"\\u00", b"\\u0", b"1", b"f", b"F", b"0", b"8", b"n", b"/", b'\\"']
        ),
        max_size=5,
    ).map(b"".join)
)
def test_free_text_is_what_json_dumps_writes(automaton, inside):
    text = b'{"version":1,"context":{},"steps":[],"instruction":"' + inside + b'"}'
    assert reads(automaton, text) == belongs(text)


def test_each_character_ends_after_its_detour(automaton):
    """DETOURS: the fewest bytes back to the text's first node, found by trying."""
    first = automaton.texts.max()
    for place, detour in enumerate(DETOURS):
        reached, steps = {first + place}, 0
        while first not in reached:
            reached = {n for node in reached for n in automaton.moves[node] if n >= 0}
            steps += 1
        assert steps == detour


def test_the_teachers_texts_are_plans(automaton):
    rng = np.random.default_rng(3)
    for skill in np.linspace(0, 1, 60):
        state = sample_state(rng)
        goal = sample_goal("demo", state, "train", rng)
        assert reads(automaton, teach(goal, state, skill, rng).to_json().encode())
