import json
import sys

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from agentic_styling.planner import Qwen3VLConfig, Tokenizer, train_tokenizer
from agentic_styling.planner.inputs import tokenizer
from agentic_styling.planner.inputs.tokenizer import extend_tokenizer
from agentic_styling.utils.errors import InputError


@pytest.fixture(scope="module")
def trained(tokenizer_directory):
    return Tokenizer(tokenizer_directory)


@pytest.fixture(scope="module")
def extended(trained, tmp_path_factory):
    texts = ["a gouache of the moor", "gouache on rice paper", "moor and gouache"]
    directory = tmp_path_factory.mktemp("extended")
    return extend_tokenizer(trained, texts, directory, trained.vocab_size + 20)


@settings(deadline=None, max_examples=100)
@given(text=st.text() | st.text(alphabet=' "{}[],:_\\\n-.09abé', max_size=40))
def test_lossless_for_any_text(trained, text):
    assert trained.decode(trained.encode(text)) == text


def test_plans_are_short(trained, plan_texts):
    lengths = [len(trained.encode(text)) for text in plan_texts]
    assert max(lengths) < 90
    assert all(trained.decode(trained.encode(text)) == text for text in plan_texts)
    assert len(trained.encode('","time_of_day":"')) == 1
    assert len(trained.encode("golden_hour_sunset")) == 1


def test_truncation_and_padding_of_a_file_are_not_applied(trained, tokenizer_directory, tmp_path):
    backend = tokenizers.Tokenizer.from_file(str(tokenizer_directory / "tokenizer.json"))
    backend.enable_truncation(4)
    backend.enable_padding(length=9)
    backend.save(str(tmp_path / "tokenizer.json"))
    for text in ("a misty dawn over the harbour, with a hint of rain", "dawn"):
        assert Tokenizer(tmp_path).encode(text) == trained.encode(text)


def test_special_tokens_come_last_and_only_by_id(trained):
    names = [trained.decode([i]) for i in range(trained.vocab_size - 7, trained.vocab_size)]
    assert tuple(names) == tokenizer.SPECIAL_TOKENS
    assert trained.im_end == trained.vocab_size - 5
    ids = trained.encode("stop<|im_end|>here<|image_pad|>")
    assert max(ids) < trained.vocab_size - 7
    assert trained.decode(ids) == "stop<|im_end|>here<|image_pad|>"


def test_the_config_follows(trained):
    config = Qwen3VLConfig.preset("tiny").for_tokenizer(trained)
    assert config.text.vocab_size == trained.vocab_size
    names = ["pad", "eos", "vision_start", "vision_end", "image", "video"]
    ids = [getattr(config, f"{name}_token_id") for name in names]
    assert ids == [trained.vocab_size - last for last in (7, 5, 4, 3, 2, 1)]


def test_transformers_reads_it(tokenizer_directory, trained, plan_texts):
    transformers = pytest.importorskip("transformers")
    theirs = transformers.AutoTokenizer.from_pretrained(tokenizer_directory)
    assert theirs(plan_texts[0]).input_ids == trained.encode(plan_texts[0])
    assert theirs.eos_token_id == trained.im_end
    assert theirs("<|im_end|>").input_ids == [trained.im_end]


def test_extending_goes_on_as_training_would_have(plan_texts, tmp_path):
    short = train_tokenizer(plan_texts, tmp_path / "short", 400)
    whole = train_tokenizer(plan_texts, tmp_path / "whole", 700)
    extended = extend_tokenizer(short, plan_texts, tmp_path / "extended", 700)
    assert extended.tokens() == whole.tokens()
    assert all(extended.encode(text) == whole.encode(text) for text in plan_texts)
    assert extended.tokens()[:393] == short.tokens()[:393]
    assert extended.im_end == 695 and not short.lower_case_goals
    assert extended.lower_case_goals and Tokenizer(tmp_path / "extended").lower_case_goals


@settings(deadline=None, max_examples=50)
@given(text=st.text() | st.text(alphabet=' "{}[],:_\\\n-.09abé', max_size=40))
def test_an_extended_one_is_lossless_too(extended, text):
    assert extended.decode(extended.encode(text)) == text


def test_a_repeated_token_is_merged_from_the_left():
    assert tokenizer._merged(list("aaab"), ("a", "a")) == ["aa", "a", "b"]
    assert tokenizer._merged(list("abab"), ("a", "b")) == ["ab", "ab"]


def test_parts_of_a_token_spell_it(trained, extended):
    for index, token in enumerate(extended.tokens()[: extended.vocab_size - 7]):
        assert extended.decode([index]) == trained.decode(trained.parts(token))
    assert trained.parts("<|im_end|>") == [trained.im_end]


def test_a_smaller_vocabulary_is_refused(trained, tmp_path):
    with pytest.raises(InputError, match="vocab_size 900 is below"):
        extend_tokenizer(trained, [], tmp_path / "small", 900)


def test_errors(tmp_path):
    with pytest.raises(InputError, match="no tokenizer could be read .*a tokenizer.json") as caught:
        Tokenizer(tmp_path)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"nowhere: no tokenizer .* \(no such directory\)"):
        Tokenizer(tmp_path / "nowhere")
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(InputError, match="no tokenizer could be read"):
        Tokenizer(tmp_path)
    with pytest.raises(InputError, match="vocab_size 200 is too small; use at least 263"):
        train_tokenizer(["text"], tmp_path, vocab_size=200)


def test_other_tokenizers_are_refused(tmp_path):
    import tokenizers

    tokenizers.Tokenizer(tokenizers.models.BPE()).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(InputError, match="lacks the token"):
        Tokenizer(tmp_path)


@pytest.fixture(scope="module")
def vocabulary_directory(tokenizer_directory, tmp_path_factory):
    """The same tokens in the older form, without tokenizer.json."""
    directory = tmp_path_factory.mktemp("vocabulary")
    model = json.loads((tokenizer_directory / "tokenizer.json").read_text())["model"]
    (directory / "vocab.json").write_text(json.dumps(model["vocab"]))
    merges = "\n".join(" ".join(merge) for merge in model["merges"])
    (directory / "merges.txt").write_text(f"#version: 0.2\n{merges}\n")
    first = len(model["vocab"])
    added = {
        str(first + place): {"content": token, "special": True, "normalized": False}
        for place, token in enumerate(tokenizer.SPECIAL_TOKENS)
    }
    settings = {"tokenizer_class": "Qwen2Tokenizer", "added_tokens_decoder": added}
    settings |= {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "chat_template": "Hi"}
    (directory / "tokenizer_config.json").write_text(json.dumps(settings))
    return directory


def test_a_directory_without_tokenizer_json(vocabulary_directory, trained, plan_texts, tmp_path):
    """vocab.json and merges.txt, cut at Qwen's own places; saved, it needs transformers no more."""
    read = Tokenizer(vocabulary_directory)
    ids = ("vocab_size", "pad", "im_start", "im_end", "vision_start", "image_pad", "video_pad")
    assert [getattr(read, name) for name in ids] == [getattr(trained, name) for name in ids]
    assert read.vocabulary() == trained.vocabulary()
    for text in ["A misty dawn.", plan_texts[0], "é\n\n<|im_end|>"]:
        assert read.decode(read.encode(text)) == text
        assert max(read.encode(text)) < read.pad
    read.save(tmp_path)
    again = Tokenizer(tmp_path)
    assert (tmp_path / "tokenizer.json").is_file()
    assert again.encode(plan_texts[0]) == read.encode(plan_texts[0])


def test_saving_keeps_the_settings_it_came_with(vocabulary_directory, tmp_path):
    read = Tokenizer(vocabulary_directory)
    read.save(tmp_path)
    settings = json.loads((tmp_path / "tokenizer_config.json").read_text())
    assert settings["chat_template"] == "Hi"
    (tmp_path / "chat_template.jinja").write_text("{{ messages }}")
    Tokenizer(tmp_path).save(tmp_path / "copy")
    assert (tmp_path / "copy/chat_template.jinja").read_text() == "{{ messages }}"
    Tokenizer(tmp_path).save(tmp_path)
    assert json.loads((tmp_path / "tokenizer_config.json").read_text()) == settings


@pytest.mark.parametrize(
    ("given", "ends"),
    [
        (None, ["end"]),
        ({"temperature": 0.7, "eos_token_id": None}, ["end"]),
        ({"top_k": 20, "eos_token_id": 3}, ["end", 3]),
        ({"eos_token_id": ["end", 3], "pad_token_id": 5}, ["end", 3]),
    ],
)
def test_generation_ends_with_the_turn(trained, tmp_path, given, ends):
    """What was there is kept; of a base model only the end of the text was."""
    trained.save(tmp_path)
    end = trained.im_end
    if given is not None:
        text = json.dumps(given).replace('"end"', str(end))
        (tmp_path / "generation_config.json").write_text(text)
    Tokenizer(tmp_path).save(tmp_path / "copy")
    written = json.loads((tmp_path / "copy/generation_config.json").read_text())
    assert written.pop("eos_token_id") == [end if token == "end" else token for token in ends]
    assert written.pop("pad_token_id") == (given or {}).get("pad_token_id", trained.pad)
    assert written == {k: v for k, v in (given or {}).items() if not k.endswith("_token_id")}


def test_the_fast_path_imports_no_transformers(tokenizer_directory, monkeypatch):
    """Nor does the module itself: tests/test_imports.py."""
    monkeypatch.setitem(sys.modules, "transformers", None)  # an import of it raises
    assert Tokenizer(tokenizer_directory).encode("Night.")


@pytest.mark.parametrize("name", ["generation_config.json", "tokenizer_config.json"])
def test_files_that_are_carried_over_are_checked_when_read(name, trained, tmp_path):
    trained.save(tmp_path)
    (tmp_path / name).write_text("[]")
    with pytest.raises(InputError, match=f"{name}: not a JSON object but list"):
        Tokenizer(tmp_path)
