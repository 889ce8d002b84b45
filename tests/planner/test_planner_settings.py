"""What a planner directory says of itself, and the prompts of text planners."""

import dataclasses
import json

import numpy as np
import pytest

from agentic_styling.planner import (
    Planner,
    PlannerSettings,
    Qwen3VLConfig,
    Tokenizer,
    encode_prompts,
    planner,
)
from agentic_styling.tools import Plan, Step
from agentic_styling.utils.errors import InputError

STATES = [{"weather": "fog_dense", "season": "winter_bare"}, {}]
GOALS = ["Clear it up.", "A longer goal for a bright summer morning."]


@pytest.fixture(scope="module")
def tokenizer(tokenizer_directory):
    return Tokenizer(tokenizer_directory)


@pytest.fixture
def text_planner(tokenizer, tmp_path):
    config = Qwen3VLConfig.preset("tiny").for_tokenizer(tokenizer)
    return Planner(config, None, tokenizer, modality="text", directory=tmp_path)


def test_settings_are_read_as_written(tmp_path):
    assert PlannerSettings.load(tmp_path) == PlannerSettings("vision", "json")
    PlannerSettings("text", "tool_calls").save(tmp_path)
    assert PlannerSettings.load(tmp_path) == PlannerSettings("text", "tool_calls")
    (tmp_path / "planner.json").write_text('{"modality": "text"}', "utf-8-sig")
    assert PlannerSettings.load(tmp_path) == PlannerSettings("text", "json")


def test_unknown_settings_name_the_file(tmp_path):
    (tmp_path / "planner.json").write_text(json.dumps({"modality": "txt"}))
    with pytest.raises(InputError, match="planner.json: modality 'txt' .* did you mean 'text'"):
        PlannerSettings.load(tmp_path)


def test_a_known_state_stands_in_place_of_the_image(tokenizer):
    state, unknown = encode_prompts(tokenizer, GOALS, states=STATES)
    template = "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
    words = "The picture now: season: winter_bare; weather: fog_dense.\nClear it up."
    assert tokenizer.decode(state) == template.format(words)
    assert "The picture now: unknown.\nA longer goal" in tokenizer.decode(unknown)


def test_a_text_planner_reads_states_and_no_photographs(text_planner, tokenizer, monkeypatch):
    plan = Plan({}, (Step("So.", "weather", {"weather_type": "hail"}),), "Hail.")
    called = []

    def generate(config, params, inputs, *, grammar, **_):
        called.append((inputs, grammar))
        tokens = np.array([[*tokenizer.encode(plan.to_json()), tokenizer.im_end]] * 2)
        result = dataclasses.make_dataclass("Result", ["tokens", "lengths", "logps"])
        return result(tokens, np.array([tokens.shape[1]] * 2), np.zeros(tokens.shape))

    monkeypatch.setattr(planner, "generate", generate)
    assert text_planner.plan(None, GOALS, states=STATES) == [[plan], [plan]]
    ((inputs, grammar),) = called
    assert grammar is text_planner.grammar
    assert inputs.patches is None and inputs.grids is None
    rows = zip(inputs.tokens, inputs.mask, strict=True)
    prompts = [tokens[mask].tolist() for tokens, mask in rows]
    assert prompts == encode_prompts(tokenizer, GOALS, states=STATES)


def test_a_text_planner_without_states_is_refused(text_planner, tmp_path):
    with pytest.raises(InputError, match=f"{tmp_path}: a text planner reads a known state"):
        text_planner.plan([np.zeros((8, 8, 3), np.uint8)], ["Fog."])
    with pytest.raises(InputError, match="1 states and 2 goals"):
        text_planner.plan(None, GOALS, states=STATES[:1])
    with pytest.raises(InputError, match="0 images and 1 goals"):
        dataclasses.replace(text_planner, modality="vision").plan(None, ["Fog."])
