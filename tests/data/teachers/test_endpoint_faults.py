"""A teacher whose endpoint is busy, fails, talks nonsense or tells the key, or that is killed."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from agentic_styling.data.teachers.endpoint import HOPELESS, EndpointTeacher
from agentic_styling.rewards.judges.chat_endpoint import TEACHER
from tests.data.teachers.test_endpoint import (
    FOG,
    asked,
    case,
    endpoint,
    plan,
    right,
    slept,
    teacher,
)
from tests.rewards.judges.fake_endpoint import KEY, Endpoint, chat, failing, one_line_error

__all__ = ["endpoint", "slept", "teacher"]  # fixtures


def test_a_busy_endpoint_is_given_the_time_it_asks_for(teacher, endpoint, slept):
    endpoint.faults = [failing(429, **{"Retry-After": "30"}), failing(503)]
    assert len(teacher(*case(1), 1)[0][0].plans) == 1
    assert slept == [30, 2]


@pytest.mark.parametrize(
    "fault, said",
    [
        (failing(500, "out of memory"), "status 500, out of memory; try again later"),
        (failing(401), f"the key of {TEACHER.key} is refused"),
        (failing(400, f"no {KEY}"), "status 400, no ***; fix that"),
        ((200, "{}", {}), "not a chat completion"),
        ("hang up", "attempts"),
    ],
)
def test_an_endpoint_that_fails_stops_it_in_one_line(teacher, endpoint, fault, said):
    endpoint.always = fault
    told = one_line_error(lambda: teacher(*case(1), 1), "teacher: c0: no usable answer", said)
    assert KEY not in told and not teacher.answers.cache.exists()


def test_a_redirect_takes_the_key_nowhere(teacher, endpoint):
    other = Endpoint(right)
    try:
        endpoint.always = failing(307, Location=f"{other.url}/chat/completions")
        one_line_error(lambda: teacher(*case(1), 1), "status 307, a redirect")
        assert not other.calls
    finally:
        other.close()


def test_missing_variables_and_unsafe_addresses_are_named(teacher, monkeypatch, tmp_path):
    monkeypatch.delenv(TEACHER.key)
    one_line_error(lambda: teacher(*case(1), 1), f"{TEACHER.key} is not set", "teacher's endpoint")
    monkeypatch.setenv(TEACHER.url, "http://example.org/v1")
    one_line_error(lambda: EndpointTeacher("simple", "m", tmp_path), "teacher: url http://exam")
    monkeypatch.delenv(TEACHER.url)
    one_line_error(lambda: EndpointTeacher("simple", "m", tmp_path), f"{TEACHER.url} is not set")


@pytest.mark.parametrize("workers", [1, 3])
def test_so_many_questions_at_once_and_no_more(endpoint, tmp_path, workers):
    together, lock = threading.Barrier(workers, timeout=20), threading.Lock()
    now, most = set(), set()

    def answer(question):
        with lock:
            now.add(threading.get_ident())
            # Those under way here, and the threads that ask: one more may not have come yet.
            most.add(len(now))
            most.add(sum("ThreadPool" in thread.name for thread in threading.enumerate()))
        together.wait()  # breaks if there are fewer
        with lock:
            now.discard(threading.get_ident())
        return right(question)

    endpoint.answer = answer
    taught, _ = EndpointTeacher("simple", "m", tmp_path, workers=workers)(*case(4), 3)
    assert sum(len(c.plans) for c in taught) == 12
    assert max(most) == workers


def test_a_model_that_never_writes_a_plan_is_given_up(teacher, endpoint):
    endpoint.always = (200, chat("no"), {})
    said = one_line_error(lambda: teacher(*case(HOPELESS // 2), 2), f"{HOPELESS} not JSON")
    assert "fake-vl" in said and len(endpoint.calls) == HOPELESS
    # With a plan among them it is asked again.
    endpoint.always, endpoint.faults = None, [(200, chat("no"), {})] * HOPELESS
    other = EndpointTeacher("simple", "better-vl", teacher.answers.cache)
    assert all(len(c.plans) == 2 for c in other(*case(HOPELESS // 2 + 1), 2)[0])


KILLED = textwrap.dedent("""
    import sys
    from agentic_styling.data.teachers.endpoint import EndpointTeacher
    from tests.data.teachers.test_endpoint import case
    EndpointTeacher("simple", "fake-vl", sys.argv[1], workers=1)(*case(4), 3)
""")


@pytest.mark.slow
def test_a_killed_process_has_kept_every_answer(teacher, endpoint):
    """It is killed while its eighth question waits."""
    child = []

    def answer(question):
        if len(endpoint.calls) == 8:
            os.kill(child[0].pid, signal.SIGKILL)
        return right(question)

    endpoint.answer, command = answer, [sys.executable, "-c", KILLED, str(teacher.answers.cache)]
    child.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
    assert child[0].wait() == -signal.SIGKILL and len(endpoint.calls) == 8
    endpoint.answer, first = right, asked(endpoint)[:7]
    taught, _ = teacher(*case(4), 3)
    assert all(len(c.plans) == 3 for c in taught)
    assert len(endpoint.calls) == 8 + 12 - 7
    assert not any(question in first for question in asked(endpoint)[8:])


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(plan(FOG, instruction=KEY)),
        json.dumps(plan(FOG, instruction=KEY)).replace("/", "\\/"),
        json.dumps(plan(FOG | {"reasoning": f"{KEY}!"})),
        KEY,
        f"Your key is {KEY}.",
    ],
)
def test_an_answer_that_repeats_the_key_is_kept_nowhere(teacher, endpoint, text, capfd, caplog):
    endpoint.faults = [failing(429, KEY)]
    teacher(*case(1), 1)
    endpoint.always = (200, chat(text), {})
    said = one_line_error(lambda: teacher(*case(2), 1), "c1", "repeats the key")
    kept = [file.read_text() for file in teacher.answers.cache.rglob("*") if file.is_file()]
    seen = [*kept, *capfd.readouterr(), caplog.text, said]
    seen += map(str, (vars(teacher), teacher.answers, teacher.settings()))
    assert len(kept) == 1 and not any(KEY[:-4] in part for part in seen)


def test_a_short_word_for_a_key_is_no_secret(teacher, endpoint, monkeypatch):
    monkeypatch.setenv(TEACHER.key, "fog")
    assert len(teacher(*case(1), 1)[0][0].plans) == 1
