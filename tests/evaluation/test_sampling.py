"""Which plans at temperature 1 are drawn and scored, by which planner."""

from pathlib import Path

import numpy as np
import pytest

from agentic_styling.evaluation import planning, runs
from agentic_styling.evaluation.evaluate import default_config
from agentic_styling.evaluation.methods import check_settings
from agentic_styling.evaluation.planning import sampled_answers
from agentic_styling.planner import Completion
from agentic_styling.tools import Plan, Step
from agentic_styling.utils.errors import InputError

COUNT, SAMPLES = 3, 2
IMAGES = np.arange(COUNT, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
GOALS = [f"goal {row}" for row in range(COUNT)]
STATES = [{"weather": str(row)} for row in range(COUNT)]
OPTIONS = {"seed": 3, "max_new_tokens": 99}
PLAN = Plan({}, (Step("So.", "weather", {"weather_type": "hail"}),), "Hail.").to_json()


class Writer:
    """Its samples have tokens [row, sample]; as S it scores any by these, and by its name."""

    form = "json"

    def __init__(self, directory):
        self.name, self.tokenizer = directory.name, self

    def vocabulary(self):
        return {"other": 1} if self.name == "other" else {"usual": 1}

    def score(self, images, goals, *, states, kept, tokens=None, **options):
        pixels = images[:, 0, 0, 0].tolist()
        assert [f"goal {pixel}" for pixel in pixels] == goals
        assert [{"weather": str(pixel)} for pixel in pixels] == states
        if tokens is None:
            sampled = {"num_samples": SAMPLES, "temperature": 1.0, "constrained": True}
            assert options == OPTIONS | sampled and kept == "samples"
            return [
                [Completion(PLAN, [row, k], -1.0 - k, 4 + row) for k in range(SAMPLES)]
                for row in range(COUNT)
            ]
        assert options == OPTIONS | {"constrained": True} and kept == "standard"
        assert [row for row, _ in tokens] == pixels
        return [
            [Completion(PLAN, given, -10.0 * row - k, 9)] for given in tokens for row, k in [given]
        ]

    def complete(self, images, goals, *, states, **options):
        unaided = {"temperature": 0.5, "constrained": False, "kept": "unaided"}
        assert options == OPTIONS | unaided and states == STATES
        return [["{" if row == 1 else PLAN] for row in range(COUNT)]


@pytest.fixture(autouse=True)
def writer(monkeypatch):
    monkeypatch.setattr(planning.Planner, "from_pretrained", Writer)


def drawn(standard):
    given = {"states": STATES, "samples": SAMPLES, "temperature": 0.5, "constrained": True}
    kept = ("samples", "unaided", "standard")
    directory = standard and Path(standard)
    return sampled_answers(Path("own"), directory, IMAGES, GOALS, kept=kept, **given, **OPTIONS)


def test_each_sample_is_scored_by_the_planner_and_by_s():
    found = drawn("standard")
    assert [samples.standard_logps for samples in found] == [[0, -1], [-10, -11], [-20, -21]]
    assert [samples.choices for samples in found] == [[4, 4], [5, 5], [6, 6]]
    assert all(samples.logps == [-1, -2] for samples in found)
    assert [samples.valid_unaided for samples in found] == [True, False, True]
    plans = [answer.plan.to_json() for samples in found for answer in samples.answers]
    assert plans == [PLAN] * (COUNT * SAMPLES)


@pytest.mark.parametrize(("standard", "logps"), [("own", [-1, -2]), ("other", None), (None, None)])
def test_s_is_compared_with_itself_and_not_with_other_tokens(standard, logps):
    assert all(samples.standard_logps == logps for samples in drawn(standard))


def test_s_is_the_planner_of_the_same_training_run():
    config = default_config()
    assert runs._standard(config, 0) is None
    config.methods["standard"] = "s"
    assert runs._standard(config, 4) == Path("s")
    config = default_config()
    config.methods["standard"] = ["s0", "s1"]
    assert [runs._standard(config, run) for run in range(3)] == [*map(Path, ("s0", "s1", "s0"))]


@pytest.mark.parametrize("samples", [-1, 65])
def test_a_number_of_samples_out_of_range_is_refused(samples):
    config = default_config()
    config.samples = samples
    with pytest.raises(InputError, match=f"samples: {samples} is"):
        check_settings(config)
