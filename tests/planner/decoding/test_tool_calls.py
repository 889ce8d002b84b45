import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentic_styling.planner import PLAN_FORMS, Tokenizer, encode_completions, encode_prompts
from agentic_styling.planner.decoding.plan_forms import (
    read_tool_calls,
    tool_calls_system_text,
    tool_signatures,
    tools_text,
    write_tool_calls,
)
from agentic_styling.tools import VOCABULARY, Plan, PlanError, Step
from tests.tools.strategies import plans

# A conversation as Qwen3-VL-Instruct's own chat template renders it: the template of 5,292 bytes
# with SHA-256 3636d0f0bd6bef02..., by transformers 5.23.
GOLDEN = (Path(__file__).parent / "chat_golden.txt").read_text(encoding="utf-8")

WEATHER = {
    "type": "object",
    "properties": {
        "weather_type": {"type": "string", "enum": ["fog_dense", "hail"]},
        "strength": {"type": "number", "minimum": 0.0, "maximum": 1.0},
    },
    "required": ["weather_type"],
}
TOOLS = [
    {"type": "function", "function": {"name": "weather", "parameters": WEATHER}},
    {"type": "function", "function": {"name": "café <&' \"", "parameters": {}}},
]
PLAN = Plan(
    {"season": "summer_lush", "weather": "clear_sunny"},
    (
        Step(
            "The light is too hard – fog softens it.",
            "weather",
            {"weather_type": "fog_dense", "strength": 0.5},
        ),
        Step("", "time_of_day", {"target_time": "pre_dawn", "sky_color": 'grün "<'}),
    ),
)
CALL = '<tool_call>\n{"name": "weather", "arguments": {"weather_type": "hail"}}\n</tool_call>'
HAIL = {"weather_type": "hail"}


def test_the_conversation_is_the_one_that_qwens_template_renders(tokenizer_directory):
    tokenizer = Tokenizer(tokenizer_directory)
    system = f"You are an expert photo stylist.\n\n{tools_text(TOOLS)}"
    goal = 'Make it a foggy café <at> "dawn".'
    (prompt,) = encode_prompts(tokenizer, [goal], 1, system)
    (answer,) = encode_completions(tokenizer, [write_tool_calls(PLAN)])
    assert tokenizer.decode(prompt + answer) + "\n" == GOLDEN


@settings(deadline=None, max_examples=60)
@given(plan=plans())
def test_both_ways_lose_only_outer_white_space(plan):
    steps = tuple(dataclasses.replace(s, reasoning=s.reasoning.strip()) for s in plan.steps)
    stripped = dataclasses.replace(plan, steps=steps, instruction=plan.instruction.strip())
    assert read_tool_calls(write_tool_calls(plan)) == stripped


MARKS = st.sampled_from(["</tool_call>", "Context:", "{", "}", '"', "\\", "\n", " ", "x", "[]"])


@settings(deadline=None, max_examples=60)
@given(texts=st.lists(st.lists(MARKS, max_size=4).map("".join), min_size=4, max_size=4))
def test_marks_in_texts_are_texts(texts):
    reasoning, colour, reason, instruction = texts
    parameters = {"target_time": "blue_hour", "sky_color": colour + "<tool_call>"}
    steps = (
        Step(reasoning.strip(), "time_of_day", parameters),
        Step(reason.strip(), "weather", HAIL),
    )
    plan = Plan({"season": "unknown"}, steps, instruction.strip())
    assert read_tool_calls(write_tool_calls(plan)) == plan


def test_what_a_model_writes_is_read():
    """No context, blank lines, a call in one line, and no instruction."""
    text = f"\nIt should hail.\n\n{CALL.replace(chr(10), '')}\n"
    assert read_tool_calls(text) == Plan({}, (Step("It should hail.", "weather", HAIL),))
    assert read_tool_calls("Keep it.") == Plan({}, (), "Keep it.")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Context: sunny", "context: not JSON"),
        ("Context: [1]", "context: '.1.' is not a JSON object"),
        ('Context: {"season": "summer"}', "season has no option 'summer'"),
        (f"{CALL}\n<tool_call>\nhail", "step 2: not JSON"),
        (CALL.replace("</tool_call>", ""), "step 1: the call has no end; write </tool_call>"),
        (CALL.replace('"arguments"', '"parameters"'), r"call has \['name', 'parameters'\]; write"),
        (CALL.replace("hail", "hale"), "step 1: weather.weather_type: 'hale' .* 'hail'"),
        (CALL.replace('"weather"', '"wether"'), "step 1: unknown tool 'wether'; did you mean"),
        (CALL.replace('{"weather_type": "hail"}', '"hail"'), "step 1: parameters: 'hail' is not"),
        ("<tool_call>" + "[" * 100_000, "step 1: not JSON"),
        ("", None),
    ],
)
def test_errors_name_the_step(text, message):
    if message is None:
        assert read_tool_calls(text) == Plan({})
        return
    with pytest.raises(PlanError, match=message) as caught:
        read_tool_calls(text)
    assert "\n" not in str(caught.value)


def test_a_reason_that_begins_a_call_is_refused():
    plan = Plan({}, (Step("a <tool_call> here", "weather", HAIL),))
    with pytest.raises(PlanError, match="step 1: the text contains '<tool_call>'"):
        write_tool_calls(plan)
    with pytest.raises(PlanError, match="instruction: the text contains"):
        write_tool_calls(Plan({}, (), "<tool_call>"))


def test_the_system_text_shows_what_is_read():
    """The example of a context in it is one, and all tools are listed in Qwen's block."""
    text = tool_calls_system_text()
    assert text.endswith(tools_text(tool_signatures()))
    (line,) = [line for line in text.splitlines() if line.startswith("Context:")]
    assert read_tool_calls(f"{line}\n{CALL}").context == {"season": "summer_lush"}
    assert text.count('{"type": "function"') == len(VOCABULARY)


def test_signatures_give_the_values():
    by_name = {s["function"]["name"]: s["function"]["parameters"] for s in tool_signatures()}
    season = by_name["season"]
    assert season["required"] == [VOCABULARY["season"].target]
    values = VOCABULARY["season"].parameters[VOCABULARY["season"].target].values
    assert season["properties"][VOCABULARY["season"].target]["enum"] == list(values)
    assert season["properties"]["strength"] == {"type": "number", "minimum": 0, "maximum": 1}


def test_signatures_of_lists_names_and_objects():
    by_name = {s["function"]["name"]: s["function"]["parameters"] for s in tool_signatures()}
    layers = by_name["layered_transformation"]["properties"]
    name = {"type": "string", "description": "a step: its tool, or tool:option"}
    ratio = {"type": "number", "minimum": 0, "maximum": 1}
    assert layers["overlay_layers"] == {"type": "array", "items": name, "maxItems": 4}
    assert layers["base_layer"] == name
    assert layers["layer_opacities"]["items"] == ratio
    assert layers["blend_modes"]["items"]["enum"][:2] == ["normal", "multiply"]
    choice = by_name["conditional_transform"]
    assert choice["required"] == ["then_action"]
    assert choice["properties"]["then_parameters"]["type"] == "object"
    assert by_name["preserve_object_category"]["properties"]["examples"]["items"] == {
        "type": "string"
    }


@pytest.mark.parametrize("form", PLAN_FORMS)
def test_every_form_reads_what_it_writes(form):
    assert PLAN_FORMS[form].read(PLAN_FORMS[form].write(PLAN)) == PLAN
