"""Tokenizers: of a Hugging Face directory, or a small one trained on plans."""

from __future__ import annotations

import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import groupby, pairwise
from pathlib import Path

from agentic_styling.utils.checks import read_object_if_any, write_object
from agentic_styling.utils.errors import InputError

PAD, IM_START, IM_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
VISION_START, VISION_END = "<|vision_start|>", "<|vision_end|>"
IMAGE_PAD, VIDEO_PAD = "<|image_pad|>", "<|video_pad|>"
SPECIAL_TOKENS = (PAD, IM_START, IM_END, VISION_START, VISION_END, IMAGE_PAD, VIDEO_PAD)

# What a token may span, first match first: a JSON key with the punctuation around it (closing the
# value before, opening the value after), a number, a word with underscores, punctuation, spaces.
# So `","tool":"` and `golden_hour_sunset` can each become one token.
SPLIT = (
    r'(?:"?[}\]]*,?[{\[]*"\w+":[{\[]*)+"?'
    r"|-?\d+(?:\.\d+)?"
    r"| ?\w+"
    r'|[^\w\s"{}\[\]]+'
    r'|["{}\[\]]+'
    r"|\s+"
)


TOKENIZER_FILE, SETTINGS_FILE = "tokenizer.json", "tokenizer_config.json"
GENERATION_FILE = "generation_config.json"
KEPT = ("chat_template.jinja", "chat_template.json", "special_tokens_map.json", SETTINGS_FILE)
SETTINGS = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "eos_token": IM_END,
    "pad_token": PAD,
    "clean_up_tokenization_spaces": False,
}


class Tokenizer:
    """Text to token ids and back. Text never encodes to special tokens.

    `pad`, `im_start`, `im_end`, `vision_start`, `vision_end`, `image_pad` and `video_pad` are the
    ids of Qwen's special tokens; `vocab_size` counts them too. `lower_case_goals`, a field of
    tokenizer_config.json, says that a planner reads goals in lower case, as ours of 3 million
    parameters do: it need not learn every word three times.
    """

    def __init__(self, directory: str | Path):
        """Read directory/tokenizer.json, or else any files that transformers' AutoTokenizer reads.

        Raises InputError for a directory without a tokenizer, or without Qwen's tokens, or with a
        file beside it, which `save` carries over, that is not a JSON object.
        """
        self.path = Path(directory)
        self._backend = _read_backend(self.path)
        # A goal that contains the text of a special token must not act as one.
        self._backend.encode_special_tokens = True
        # A file keeps those of the last call before it was saved.
        self._backend.no_truncation()
        self._backend.no_padding()
        self.vocab_size = self._backend.get_vocab_size()
        self.pad = self._special(PAD)
        self.im_start, self.im_end = self._special(IM_START), self._special(IM_END)
        self.vision_start = self._special(VISION_START)
        self.vision_end = self._special(VISION_END)
        self.image_pad, self.video_pad = self._special(IMAGE_PAD), self._special(VIDEO_PAD)
        self._generation = self._read_generation()
        for name in KEPT:
            if name.endswith(".json"):
                read_object_if_any(self.path / name, "fetch it again")
        settings = read_object_if_any(self.path / SETTINGS_FILE, "fetch it again")
        self.lower_case_goals = settings.get("lower_case_goals") is True

    def encode(self, text: str) -> list[int]:
        """Token ids of plain text; nothing is added."""
        return self._backend.encode(text, add_special_tokens=False).ids

    def decode(self, ids: Iterable[int]) -> str:
        """The text of token ids, special tokens included."""
        return self._backend.decode([int(i) for i in ids], skip_special_tokens=False)

    def words(self, text: str) -> list[list[str]]:
        """The tokens of each part of a text that tokens do not reach beyond."""
        encoding = self._backend.encode(text, add_special_tokens=False)
        pairs = zip(encoding.word_ids, encoding.tokens, strict=True)
        return [[token for _, token in word] for _, word in groupby(pairs, lambda pair: pair[0])]

    def tokens(self) -> list[str]:
        """Every token by its id, spelt as in tokenizer.json."""
        return [self._backend.id_to_token(i) for i in range(self.vocab_size)]

    def parts(self, token: str) -> list[int]:
        """The ids that another tokenizer's token, spelt as in tokenizer.json, is made of here."""
        index = self._backend.token_to_id(token)
        if index is not None:
            return [index]
        return [part.id for part in self._backend.model.tokenize(token)]

    def to_json(self) -> str:
        """The text of tokenizer.json."""
        return self._backend.to_str()

    def vocabulary(self) -> dict[str, int]:
        """The ids of the byte-level tokens, spelt as in tokenizer.json, without added ones."""
        tokens, added = self._backend.get_vocab(), self._backend.get_added_tokens_decoder()
        return {text: token for text, token in tokens.items() if token not in added}

    def save(self, directory: str | Path) -> None:
        """Write tokenizer.json, and what transformers reads with it, copied where there is some.

        generation_config.json is completed so that `generate` stops at the end of a turn.
        """
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        self._backend.save(str(directory / TOKENIZER_FILE))
        write_object(directory / GENERATION_FILE, self._generation)
        kept = [self.path / name for name in KEPT if (self.path / name).is_file()]
        if self.path / SETTINGS_FILE not in kept:
            write_object(directory / SETTINGS_FILE, SETTINGS)
        for path in kept:
            if not path.parent.samefile(directory):
                shutil.copyfile(path, directory / path.name)

    def _read_generation(self) -> dict:
        """The generation_config.json of the directory, with the ids that end and pad a row."""
        path = self.path / GENERATION_FILE
        values = read_object_if_any(path, "fetch it again")
        ends = values.get("eos_token_id")
        ends = [] if ends is None else ends if isinstance(ends, list) else [ends]
        if self.im_end not in ends:
            ends = [self.im_end, *ends]
        pad = values.get("pad_token_id")
        return values | {"eos_token_id": ends, "pad_token_id": self.pad if pad is None else pad}

    def _special(self, token: str) -> int:
        index = self._backend.token_to_id(token)
        if index is None:
            raise InputError(f"{self.path}: lacks the token {token!r}; use a Qwen3-VL tokenizer")
        return index


def _read_backend(directory: Path):
    """The `tokenizers` object of a directory; transformers is imported only if needed."""
    from tokenizers import Tokenizer as Backend

    try:
        if (directory / TOKENIZER_FILE).is_file():
            return Backend.from_file(str(directory / TOKENIZER_FILE))
        if not directory.is_dir():
            raise OSError("no such directory")
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(
            directory, local_files_only=True, trust_remote_code=False
        )
        return tokenizer.backend_tokenizer
    # tokenizers raises bare Exceptions, and transformers many kinds.
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{directory}: no tokenizer could be read ({reason}); name a directory with a "
            "tokenizer.json, or with vocab.json, merges.txt and tokenizer_config.json"
        ) from error


def train_tokenizer(
    texts: Iterable[str], directory: str | Path, vocab_size: int = 1536
) -> Tokenizer:
    """Train a byte-level BPE on texts, save it to directory and return it.

    It is lossless for any text. Special tokens come last, in the order of SPECIAL_TOKENS. Few texts
    may yield fewer than vocab_size tokens: use `config.for_tokenizer(tokenizer)`. Raises InputError
    for a vocab_size below that of single bytes.
    """
    from tokenizers import Regex, decoders, models, pre_tokenizers, trainers
    from tokenizers import Tokenizer as Backend

    smallest = len(pre_tokenizers.ByteLevel.alphabet()) + len(SPECIAL_TOKENS)
    if vocab_size < smallest:
        raise InputError(f"vocab_size {vocab_size} is too small; use at least {smallest}")
    backend = Backend(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - len(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    backend.add_special_tokens(list(SPECIAL_TOKENS))
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    backend.save(str(directory / TOKENIZER_FILE))
    tokenizer = Tokenizer(directory)
    tokenizer.save(directory)
    return tokenizer


def extend_tokenizer(
    tokenizer: Tokenizer, texts: Iterable[str], directory: str | Path, vocab_size: int
) -> Tokenizer:
    """Go on training the byte-level BPE of `train_tokenizer` on more texts; save and return it.

    All tokens stay, with the same ids but for the special ones, which come last again; merges are
    added, each of the pair of tokens that is the most frequent then. Goals are read in lower case
    from now on. Raises InputError where vocab_size is below the tokenizer's.
    """
    if vocab_size < tokenizer.vocab_size:
        raise InputError(f"vocab_size {vocab_size} is below {tokenizer.vocab_size}; use more")
    values = json.loads(tokenizer.to_json())
    model, special = values["model"], values["added_tokens"]
    counts = Counter(tuple(word) for text in texts for word in tokenizer.words(text))
    model["merges"] += _merges(counts, model["vocab"], vocab_size - tokenizer.vocab_size)
    for index, row in enumerate(special):
        row["id"] = len(model["vocab"]) + index
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    write_object(directory / TOKENIZER_FILE, values)
    settings = read_object_if_any(tokenizer.path / SETTINGS_FILE, "fetch it again")
    write_object(directory / SETTINGS_FILE, SETTINGS | settings | {"lower_case_goals": True})
    extended = Tokenizer(directory)
    extended.save(directory)
    return extended


def _merges(counts: Counter[tuple[str, ...]], vocab: dict[str, int], most: int) -> list[list[str]]:
    """At most `most` merges of byte-pair encoding (Sennrich et al. 2016) of words with counts.

    Their tokens are added to vocab. Of pairs as frequent as each other that of older tokens is
    first, as in the library's trainer.
    """
    words = [(list(word), count) for word, count in counts.items()]
    pairs, where = Counter(), defaultdict(set)
    for number, (word, count) in enumerate(words):
        for pair in pairwise(word):
            pairs[pair] += count
            where[pair].add(number)
    merges = []
    while len(merges) < most and (pairs := +pairs):
        best = max(pairs, key=lambda pair: (pairs[pair], -vocab[pair[0]], -vocab[pair[1]]))
        merges.append(list(best))
        vocab.setdefault("".join(best), len(vocab))
        for number in where.pop(best):
            word, count = words[number]
            merged = _merged(word, best)
            words[number] = merged, count
            for pair in pairwise(word):
                pairs[pair] -= count
            for pair in pairwise(merged):
                pairs[pair] += count
                where[pair].add(number)
    return merges


def _merged(word: list[str], pair: tuple[str, str]) -> list[str]:
    """A word with each occurrence of a pair made one token."""
    out = []
    for token in word:
        if out and (out[-1], token) == pair:
            out[-1] += token
        else:
            out.append(token)
    return out
