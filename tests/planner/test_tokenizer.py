import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentic_styling.errors import InputError
from agentic_styling.planner import Qwen3VLConfig, Tokenizer, tokenizer, train_tokenizer


@pytest.fixture(scope="module")
def trained(tokenizer_directory):
    return Tokenizer(tokenizer_directory)


@settings(deadline=None, max_examples=200)
@given(text=st.text() | st.text(alphabet=' "{}[],:_\\\n-.09abé', max_size=40))
def test_lossless_for_any_text(trained, text):
    assert trained.decode(trained.encode(text)) == text


def test_plans_are_short(trained, plan_texts):
    lengths = [len(trained.encode(text)) for text in plan_texts]
    assert max(lengths) < 90
    assert all(trained.decode(trained.encode(text)) == text for text in plan_texts)
    assert len(trained.encode('","time_of_day":"')) == 1
    assert len(trained.encode("golden_hour_sunset")) == 1


def test_special_tokens_come_last_and_only_by_id(trained):
    names = [trained.decode([i]) for i in range(trained.vocab_size - 7, trained.vocab_size)]
    assert tuple(names) == tokenizer.SPECIAL_TOKENS
    assert trained.im_end == trained.vocab_size - 5
    ids = trained.encode("stop<|im_end|>here<|image_pad|>")
    assert max(ids) < trained.vocab_size - 7
    assert trained.decode(ids) == "stop<|im_end|>here<|image_pad|>"


def test_the_config_follows(trained):
    config = Qwen3VLConfig.preset("tiny").for_tokenizer(trained)
    assert config == Qwen3VLConfig.preset("tiny", vocab_size=trained.vocab_size)
    assert config.image_token_id == trained.image_pad


def test_transformers_reads_it(tokenizer_directory, trained, plan_texts):
    transformers = pytest.importorskip("transformers")
    theirs = transformers.AutoTokenizer.from_pretrained(tokenizer_directory)
    assert theirs(plan_texts[0]).input_ids == trained.encode(plan_texts[0])
    assert theirs.eos_token_id == trained.im_end
    assert theirs("<|im_end|>").input_ids == [trained.im_end]


def test_errors(tmp_path):
    with pytest.raises(InputError, match="tokenizer.json: no such file"):
        Tokenizer(tmp_path)
    with pytest.raises(InputError, match="vocab_size 200 is too small; use at least 263"):
        train_tokenizer(["text"], tmp_path, vocab_size=200)


def test_other_tokenizers_are_refused(tmp_path):
    import tokenizers

    tokenizers.Tokenizer(tokenizers.models.BPE()).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(InputError, match="lacks the token"):
        Tokenizer(tmp_path)
