"""What judges may answer, and the pictures that they are shown."""

import base64
import io
import json

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from agentic_styling.rewards import PARTS
from agentic_styling.rewards.judges.chat_answers import Question
from agentic_styling.rewards.judges.edit_rubric import EDIT
from agentic_styling.rewards.judges.plan_rubric import PLAN, PLAN_PARTS
from agentic_styling.rewards.judges.rubric import pictures
from agentic_styling.utils.errors import InputError

ANSWER = dict.fromkeys(PARTS, 7)


def test_an_answer_of_integers_is_read():
    assert EDIT.read_answer(f" {json.dumps(ANSWER)}\n") == ANSWER
    read = EDIT.read_answer(json.dumps(ANSWER | {"coherence": 80.0}))
    assert read == ANSWER | {"coherence": 80} and type(read["coherence"]) is int
    eight = dict.fromkeys(PLAN_PARTS, 7)
    assert PLAN.read_answer(json.dumps(eight)) == eight
    with pytest.raises(ValueError, match="not an object of relevance, theme_style_focus"):
        PLAN.read_answer(json.dumps(ANSWER))


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "[" * 100_000,
        f"```json\n{json.dumps(ANSWER)}\n```",
        json.dumps(list(ANSWER.values())),
        json.dumps(ANSWER | {"beauty": 3}),
        json.dumps(dict.fromkeys(PARTS[1:], 7)),
        json.dumps(ANSWER | {"coherence": 7.5}),
        json.dumps(ANSWER | {"coherence": True}),
        json.dumps(ANSWER | {"coherence": "7"}),
        json.dumps(ANSWER | {"coherence": -1}),
        json.dumps(ANSWER | {"coherence": 101}),
        json.dumps(ANSWER | {"coherence": float("nan")}),
        json.dumps(ANSWER | {"coherence": float("inf")}),
    ],
)
def test_any_other_answer_is_refused(text):
    with pytest.raises(ValueError, match="answer|coherence"):
        EDIT.read_answer(text)


def test_the_photograph_is_shown_first_and_both_whole():
    source = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    content = EDIT.chat_content("the words", [source, 255 - source])
    system, user = Question("fake-vl", "row 0", EDIT.instructions, content).body()["messages"]
    assert system == {"role": "system", "content": EDIT.instructions}
    texts = [part["text"] for part in user["content"] if part["type"] == "text"]
    assert "first" in texts[0] and "second" in texts[1] and texts[2].endswith("the words")
    shown = []
    for part in user["content"]:
        if part["type"] == "image_url":
            head, data = part["image_url"]["url"].split(",")
            assert head == "data:image/png;base64"
            shown.append(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))))
    np.testing.assert_array_equal(shown, [source, 255 - source])


def test_pictures_of_every_form_become_the_same_bytes():
    batch = np.arange(96, dtype=np.uint8).reshape(2, 4, 4, 3)
    forms = [batch, list(batch), jnp.float32(batch) / 255, (batch / 255).tolist()]
    for form in forms:
        np.testing.assert_array_equal(pictures(form, "sources"), batch)
    sizes = [p.shape for p in pictures([batch[0], batch[1, :2]], "sources")]
    assert sizes == [(4, 4, 3), (2, 4, 3)]


@pytest.mark.parametrize(
    "images, message",
    [
        (None, "sources are not pictures"),
        (np.zeros((8, 8, 3), np.uint8), r"sources\[0\] has shape \(8, 3\); each must be \[H, W, 3"),
        (np.zeros((2, 8, 8, 4), np.uint8), r"sources\[0\] has shape \(8, 8, 4\)"),
        (np.zeros((2, 0, 8, 3), np.uint8), r"sources\[0\] has shape \(0, 8, 3\)"),
        ([[[1], [2, 3]]], "sources are not pictures"),
        (np.zeros((2, 8, 8, 3), int), r"sources\[0\] is int64; give uint8, or floats in \[0, 1\]"),
        (np.full((2, 8, 8, 3), 255.0), r"sources\[0\] runs from 255 to 255"),
        (np.full((2, 8, 8, 3), np.nan), r"sources\[0\] runs from nan to nan"),
    ],
)
def test_wrong_pictures_are_one_line(images, message):
    with pytest.raises(InputError, match=message) as raised:
        pictures(images, "sources")
    assert "\n" not in str(raised.value)
