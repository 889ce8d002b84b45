"""A teacher behind a fake endpoint: what it asks, reads, keeps, counts and estimates."""

import base64
import io
import json
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from agentic_styling.data import Goal
from agentic_styling.data.pipeline import Context
from agentic_styling.data.teachers.endpoint import (
    NO_ANSWER,
    NOT_JSON,
    REASONS,
    STEPS,
    TRIES,
    EndpointTeacher,
)
from agentic_styling.rewards.judges.chat_endpoint import TEACHER
from agentic_styling.utils.errors import InputError
from tests.rewards.judges.fake_endpoint import KEY, Endpoint, chat, failing

HEATS = (0.3, 0.7, 1.0)


def step(tool="weather", **parameters):
    return {"reasoning": "because", "tool": tool, "parameters": parameters}


FOG = step(weather_type="fog_dense")


def plan(*steps, **fields):
    return {"context": {}, "steps": list(steps), "instruction": "Let it fog."} | fields


def right(question):
    """A plan whose strength is the temperature and whose instruction is the goal."""
    picture, goal = question["messages"][1]["content"]
    one = step(weather_type="fog_dense", strength=question["temperature"])
    return plan(one, instruction=goal["text"])


def case(count):
    """Contexts, and their pictures of brightness 0, 1, ..."""
    goal = Goal("more fog", "", "", True, ())
    drawn = [Context(f"c{i}", "p", {}, None, {}, goal, (), ()) for i in range(count)]
    sources = np.arange(count, dtype=np.uint8)[:, None, None, None] + np.zeros((8, 8, 3), np.uint8)
    return drawn, sources, [(0, i) for i in range(count)]


@pytest.fixture
def endpoint(monkeypatch):
    endpoint = Endpoint(right)
    monkeypatch.setenv(TEACHER.url, endpoint.url)
    monkeypatch.setenv(TEACHER.key, KEY)
    yield endpoint
    endpoint.close()


@pytest.fixture
def slept():
    return []


@pytest.fixture
def teacher(endpoint, tmp_path, slept):
    return EndpointTeacher("simple", "fake-vl", tmp_path / "cache", sleep=slept.append)


def asked(endpoint):
    return [json.loads(body) for _, _, body in endpoint.calls]


def shown(question):
    url = question["messages"][1]["content"][0]["image_url"]["url"]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))))


def test_right_plans_become_contexts(teacher, endpoint, slept):
    taught, rejects = teacher(*case(2), 4)
    assert not rejects and not slept
    for context, before in zip(taught, case(2)[0], strict=True):
        assert context.id == before.id and context.teacher == "endpoint fake-vl"
        assert context.skills == (0.3, 0.7, 1.0, 0.3)
        strengths = [p.steps[0].parameters["strength"] for p in context.plans]
        assert strengths == [0.3, 0.7, 1.0, 0.3]
        assert {p.instruction for p in context.plans} == {"more fog"}
    sent = Counter((q["temperature"], int(shown(q)[0, 0, 0])) for q in asked(endpoint))
    assert sent == {(heat, c): 1 + (heat == 0.3) for heat in HEATS for c in (0, 1)}


def test_what_is_sent(teacher, endpoint):
    teacher(*case(1), 1)
    [(path, headers, _)], [question] = endpoint.calls, asked(endpoint)
    assert path == "/v1/chat/completions" and headers["Authorization"] == f"Bearer {KEY}"
    assert question["model"] == "fake-vl"
    system, user = question["messages"]
    assert '"graduated_effect"' in system["content"] and '"fog_dense"' in system["content"]
    assert system["content"].endswith("A plan takes 1 to 2 steps, no more.")
    assert user["content"][1]["text"] == "more fog"
    np.testing.assert_array_equal(shown(question), case(1)[1][0])


def test_a_malformed_answer_is_asked_for_anew(teacher, endpoint, slept):
    endpoint.faults = [(200, chat("Sorry, no."), {})]
    [context], rejects = teacher(*case(1), 1)
    assert len(context.plans) == 1 and not rejects
    assert len(endpoint.calls) == 2 and not slept
    assert len(list(teacher.answers.cache.iterdir())) == 2


OPTION, TOOL, BAD = "no plan: unknown option", "no plan: unknown tool", "no plan: bad step"
FIELDS = "no plan: wrong fields"
NO_PLANS = [
    ("Let it fog.", NOT_JSON),
    (json.dumps(plan(FOG))[:-9], NOT_JSON),
    ("[" * 5000, NOT_JSON),
    ("", NO_ANSWER),
    ("``````", NO_ANSWER),
    ([], FIELDS),
    ({"instruction": "fog"}, FIELDS),
    (plan(FOG, mood="calm"), FIELDS),
    (plan(FOG, context={"feather": "fog_dense"}), FIELDS),
    (plan(FOG, context={"weather": "frog"}), OPTION),
    (plan(step(weather_type="frog")), OPTION),
    (plan(step("conditional_transform", then_action="frog")), OPTION),
    (plan(step("feather", weather_type="fog_dense")), TOOL),
    (plan(step("x is not an option")), TOOL),
    (plan(step(strength=0.5)), BAD),
    (plan(step(weather_type="fog_dense", strength=2)), BAD),
    (plan(step(weather_type="fog_dense", force=1)), BAD),
    (plan(), STEPS),
    (plan(FOG, FOG, FOG), STEPS),
    (plan(*[FOG] * 9), STEPS),
]


@pytest.mark.parametrize("answer, reason", NO_PLANS)
def test_what_is_never_a_plan_is_counted_by_its_reason(teacher, endpoint, slept, answer, reason):
    endpoint.always = (200, chat(answer), {})
    for _ in range(2):  # the second time from the cache
        taught, rejects = teacher(*case(2), 3)
        assert rejects == {reason: 6}
        assert [(c.plans, c.skills) for c in taught] == [((), ()), ((), ())]
        assert len(endpoint.calls) == 6 * TRIES and not slept


def test_every_reason_is_tried():
    assert {reason for _, reason in NO_PLANS} == {NO_ANSWER, *REASONS.values()}


def test_silence_is_no_plan(teacher, endpoint):
    silent = {"choices": [{"message": {"role": "assistant", "content": None, "refusal": "No."}}]}
    endpoint.always = (200, json.dumps(silent), {})
    assert teacher(*case(1), 1)[1] == {NO_ANSWER: 1}


def test_the_plans_that_came_keep_their_temperatures(teacher, endpoint):
    endpoint.answer = lambda q: "no" if q["temperature"] == 0.7 else right(q)
    [context], rejects = teacher(*case(1), 3)
    assert context.skills == (0.3, 1.0) and rejects == {NOT_JSON: 1}
    assert [p.steps[0].parameters["strength"] for p in context.plans] == [0.3, 1.0]


def test_a_context_whose_replies_stay_malformed_is_counted(teacher, endpoint):
    teacher(*case(1), 1)
    endpoint.always = (200, json.dumps({"choices": []}), {})
    taught, rejects = teacher(*case(2), 1)
    assert [len(context.plans) for context in taught] == [1, 0] and rejects == {NO_ANSWER: 1}


def test_plans_are_read_behind_thoughts_and_without_a_temperature(teacher, endpoint, capfd):
    endpoint.answer = lambda q: f"<think>Fog? {{}}</think>Here:\n```\n{json.dumps(plan(FOG))}\n```"
    endpoint.faults = [failing(400, "'temperature' does not support 0.3 with this model")]
    [context], rejects = teacher(*case(1), 1)
    assert len(context.plans) == 1 and not rejects
    assert ["temperature" in question for question in asked(endpoint)] == [True, False]
    assert "teacher: the endpoint refuses temperature" in capfd.readouterr().err


def test_a_fence_and_a_lone_surrogate_do_no_harm(teacher, endpoint):
    endpoint.answer = lambda q: f"```json\n{json.dumps(right(q))}\n```"
    assert len(teacher(*case(1), 1)[0][0].plans) == 1
    endpoint.always = (200, chat("\ud800"), {})
    assert teacher(*case(2), 1)[1] == {NOT_JSON: 1}  # the first is known


@pytest.mark.parametrize("temperatures", [(), (0.5, -0.1), (float("nan"),), (float("inf"),)])
def test_bad_temperatures_are_refused(endpoint, tmp_path, temperatures):
    with pytest.raises(InputError, match="temperatures"):
        EndpointTeacher("simple", "m", tmp_path, temperatures=temperatures)


def test_other_models_temperatures_pictures_goals_and_sets_are_other_questions(teacher, endpoint):
    cache, (drawn, sources, seeds) = teacher.answers.cache, case(1)
    teacher(drawn, sources, seeds, 1)
    teacher(drawn, sources + 1, seeds, 1)
    other = Context("c0", "p", {}, None, {}, Goal("less fog", "", "", True, ()), (), ())
    teacher([other], sources, seeds, 1)
    EndpointTeacher("simple", "other-vl", cache)(drawn, sources, seeds, 1)
    EndpointTeacher("simple", "fake-vl", cache, temperatures=[0.4])(drawn, sources, seeds, 1)
    assert len(endpoint.calls) == 5
    endpoint.answer = lambda q: plan(FOG, FOG, FOG)
    EndpointTeacher("regular", "fake-vl", cache)(drawn, sources, seeds, 1)
    assert len(endpoint.calls) == 6
    # Neither the number of plans nor other temperatures beside its own make a new question.
    EndpointTeacher("simple", "fake-vl", cache, temperatures=[0.4, 0.3])(drawn, sources, seeds, 2)
    assert len(endpoint.calls) == 6


def test_an_empty_file_is_asked_for_again(teacher, endpoint):
    teacher(*case(1), 1)
    [file] = teacher.answers.cache.iterdir()
    whole = file.read_text()
    file.write_text("")
    assert len(teacher(*case(1), 1)[0][0].plans) == 1
    assert len(endpoint.calls) == 2
    assert [f.read_text() for f in teacher.answers.cache.iterdir()] == [whole]


def test_settings_name_all_that_plans_depend_on(teacher, tmp_path):
    settings = teacher.settings()
    assert json.loads(json.dumps(settings)) == settings
    for other in (
        EndpointTeacher("simple", "other-vl", tmp_path),
        EndpointTeacher("regular", "fake-vl", tmp_path),
        EndpointTeacher("simple", "fake-vl", tmp_path, temperatures=[0.3]),
    ):
        assert other.settings() != settings
    elsewhere = EndpointTeacher("simple", "fake-vl", tmp_path, url="https://example.org/v1")
    assert elsewhere.settings() == settings


def test_the_estimate_by_hand(teacher, endpoint, capsys):
    teacher.system = "x" * 320
    # In: (320 + 80) / 4 and a picture of one tile; out: (400 + 2 * 210) / 4.
    found = teacher.estimate(10, 256)
    assert found == (10, 10 * (100 + 255), 10 * 205)
    assert teacher.estimate(10, 1024).tokens_in == 10 * (100 + 85 + 4 * 170)
    teacher.announce(10, size=256, prices=(2.0, 10.0), yes=True)
    assert "3550 tokens in and 2050 out; about 0.0276 at these prices" in capsys.readouterr().out
    assert not endpoint.calls
