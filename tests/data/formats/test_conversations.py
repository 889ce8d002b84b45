"""Conversations for other programs, against what their documentation says of the form."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from agentic_styling.cli import main as cli
from agentic_styling.data import export_data, write_trajectories
from agentic_styling.planner import encode_completions, encode_prompts, train_tokenizer
from agentic_styling.tools import Plan
from agentic_styling.utils.errors import InputError
from tests.data.formats.published_rows import make_ours

FORMS = ["trl", "llama-factory", "ms-swift"]
# Of three plans a picture: one pair in train (4.6 over 2.0), none in test.
REWARDS = [2.0, 4.6, 3.0, 4.5, 3.8, 3.9]


def scored():
    return [replace(t, reward=r) for t, r in zip(make_ours(6), REWARDS, strict=True)]


def read(directory, name):
    return [json.loads(line) for line in (directory / name).read_text("utf-8").splitlines()]


@pytest.fixture(params=FORMS)
def exported(request, tmp_path):
    export_data(scored(), tmp_path / "out", request.param)
    return request.param, tmp_path / "out"


def text_of(message):
    """A message's text, with <image> where the picture goes."""
    if isinstance(message["content"], str):
        return message["content"]
    return "".join("<image>" if c["type"] == "image" else c["text"] for c in message["content"])


def test_every_row_has_its_picture_goal_and_plan(exported):
    _, out = exported
    for split, ours in (("train", scored()[:3]), ("test", scored()[3:])):
        rows = read(out, f"{split}.jsonl")
        assert [(row["id"], row["reward"]) for row in rows] == [(t.id, t.reward) for t in ours]
        for row, t in zip(rows, ours, strict=True):
            user, assistant = row["messages"]
            assert (user["role"], assistant["role"]) == ("user", "assistant")
            assert text_of(user) == f"<image>{t.goal}"
            assert Plan.from_json(text_of(assistant)) == t.plan
            (path,) = row["images"]
            np.testing.assert_array_equal(np.asarray(Image.open(out / path)), t.image)


def test_in_the_chat_template_they_are_our_own_prompts(exported, tmp_path):
    _, out = exported
    messages = read(out, "train.jsonl")[0]["messages"]
    tokenizer = train_tokenizer([t.plan.to_json() for t in scored()], tmp_path / "t", 400)
    ours = scored()[0]
    (prompt,) = encode_prompts(tokenizer, [ours.goal], 1)
    (completion,) = encode_completions(tokenizer, [ours.plan.to_json()])
    said = "".join(f"<|im_start|>{m['role']}\n{text_of(m)}<|im_end|>\n" for m in messages)
    said = said.replace("<image>", "<|vision_start|><|image_pad|><|vision_end|>")
    assert said == tokenizer.decode(prompt + completion) + "\n"


def test_pairs_are_the_best_and_worst_of_one_picture_and_goal(exported):
    form, out = exported
    worst, best = scored()[0], scored()[1]
    (row,) = read(out, "train_pairs.jsonl")
    assert not (out / "test_pairs.jsonl").exists()
    assert row["images"] == ["images/train-0.png"]
    if form == "trl":
        assert row.keys() == {"prompt", "chosen", "rejected", "images"}
        prompt, chosen, rejected = (row[k] for k in ("prompt", "chosen", "rejected"))
        assert [part["type"] for part in prompt[0]["content"]] == ["image", "text"]
    elif form == "llama-factory":
        assert row.keys() == {"messages", "chosen", "rejected", "images"}
        prompt, chosen, rejected = row["messages"], [row["chosen"]], [row["rejected"]]
    else:
        assert row.keys() == {"messages", "rejected_response", "images"}
        prompt, chosen = row["messages"][:1], row["messages"][1:]
        rejected = [{"role": "assistant", "content": row["rejected_response"]}]
    assert [m["role"] for m in (*prompt, *chosen, *rejected)] == ["user", "assistant", "assistant"]
    assert text_of(prompt[0]) == f"<image>{best.goal}"
    assert text_of(chosen[0]) == best.plan.to_json()
    assert text_of(rejected[0]) == worst.plan.to_json()


def test_llama_factory_is_told_of_every_file(tmp_path):
    export_data(scored(), tmp_path / "out", "llama-factory")
    info = json.loads((tmp_path / "out/dataset_info.json").read_text())
    names = {entry["file_name"] for entry in info.values()}
    assert names == {path.name for path in (tmp_path / "out").glob("*.jsonl")}
    for name, entry in info.items():
        assert entry["formatting"] == "sharegpt"
        assert entry.get("ranking", False) == name.endswith("_pairs")
        (row, *_) = read(tmp_path / "out", entry["file_name"])
        assert set(entry["columns"].values()) <= row.keys()
        assert {entry["tags"]["role_tag"], entry["tags"]["content_tag"]} == row["messages"][
            0
        ].keys()
        # It takes an odd number of messages for a preference, an even one else.
        assert len(row["messages"]) % 2 == (1 if entry.get("ranking") else 0)


@pytest.mark.parametrize("mark", ["<image>", "<|im_end|>", "<video>", "<|vision_start|>"])
@pytest.mark.parametrize("form", FORMS)
def test_a_text_that_would_act_as_a_mark_is_refused(tmp_path, form, mark):
    ours = scored()
    goal = replace(ours[1], goal=f"snow {mark}")
    plan = replace(ours[1], plan=replace(ours[1].plan, instruction=f"snow {mark}"))
    for name, bad in (("goal", goal), ("plan", plan)):
        with pytest.raises(InputError, match=f"train-0-1: {name} holds"):
            export_data([ours[0], bad], tmp_path / "out", form)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_form_no_rows_and_a_taken_place_are_refused(tmp_path):
    with pytest.raises(InputError, match="did you mean 'ms-swift'"):
        export_data(scored(), tmp_path / "out", "ms_swift")
    for form in (*FORMS, "published"):
        with pytest.raises(InputError, match="no trajectories"):
            export_data([], tmp_path / "out", form)
        (tmp_path / "taken").write_text("thesis")
        with pytest.raises(InputError, match="exists already"):
            export_data(scored(), tmp_path / "taken", form)
    assert (tmp_path / "taken").read_text() == "thesis"
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_the_command(tmp_path, capsys):
    write_trajectories(tmp_path / "data", scored())
    out = tmp_path / "new/out"
    cli.main(["export-data", str(tmp_path / "data"), "--format", "trl", "--out", str(out)])
    assert capsys.readouterr().out.strip() == str(out)
    assert len(read(out, "train.jsonl")) == 3
    assert not (out / "dataset_info.json").exists()
