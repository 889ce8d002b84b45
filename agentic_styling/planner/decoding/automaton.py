"""The language of plans as an automaton over bytes: exactly the texts of `Plan.to_json`.

Keys are in the order of `Plan.to_json`. Numbers have at most DECIMALS decimals, lists 1 to ITEMS
items; names of steps are the vocabulary's, and an action's own parameters are {}, since the
allowed ones depend on the action. Texts are UTF-8 (RFC 3629, section 4), and JSON escapes
(RFC 8259, section 7) appear where `json.dumps` writes them. The number of steps
is limited by a counter, not here: see `Automaton.again`.
"""

import json
import math
from typing import NamedTuple

import numpy as np

from agentic_styling.tools import DIMENSIONS, UNKNOWN, VOCABULARY, Parameter

DECIMALS = 3
ITEMS = 3

# The nodes of a free text: between characters, then the middles of characters and of escapes, in
# the order of `DETOURS`, the bytes from each to the end of its character.
_TEXT = ("text", "tail1", "escape", "u000", "u001")
_TEXT += ("tail2", "E0", "ED", "u00", "tail3", "F0", "F4", "u0", "u")
DETOURS = (0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4)

_TEXT_MOVES = (  # from, the bytes, to; the closing quote is not among them
    ("text", bytes(set(range(0x20, 0x80)) - set(b'"\\')), "text"),
    ("text", bytes(range(0xC2, 0xE0)), "tail1"),
    ("text", bytes({*range(0xE1, 0xF0)} - {0xED}), "tail2"),
    ("text", bytes(range(0xF1, 0xF4)), "tail3"),
    ("text", b"\xe0", "E0"),
    ("text", b"\xed", "ED"),
    ("text", b"\xf0", "F0"),
    ("text", b"\xf4", "F4"),
    ("tail1", bytes(range(0x80, 0xC0)), "text"),
    ("tail2", bytes(range(0x80, 0xC0)), "tail1"),
    ("tail3", bytes(range(0x80, 0xC0)), "tail2"),
    ("E0", bytes(range(0xA0, 0xC0)), "tail1"),
    ("ED", bytes(range(0x80, 0xA0)), "tail1"),
    ("F0", bytes(range(0x90, 0xC0)), "tail2"),
    ("F4", bytes(range(0x80, 0x90)), "tail2"),
    ("text", b"\\", "escape"),
    ("escape", b'"\\bfnrt', "text"),
    ("escape", b"u", "u"),
    ("u", b"0", "u0"),
    ("u0", b"0", "u00"),
    ("u00", b"0", "u000"),
    ("u00", b"1", "u001"),
    ("u000", b"01234567bef", "text"),  # json.dumps writes the others as \b \t \n \f \r
    ("u001", b"0123456789abcdef", "text"),
)


class Automaton(NamedTuple):
    """moves int32 [N, 256]: the node after a byte, -1 = refused. texts int32 [N]: the first node
    of the free text that a node lies in, whose nodes follow it in the order of `DETOURS`; -1
    elsewhere. start, end: its nodes. again: the node that is passed at the beginning of each step
    but the first."""

    moves: np.ndarray
    texts: np.ndarray
    start: int
    end: int
    again: int


def plan_automaton() -> Automaton:
    """The automaton of the vocabulary's plans, built from the last byte to the first."""
    nodes = _Nodes()
    end = nodes.add({})
    instruction = nodes.text()
    nodes.close(instruction, nodes.words({"}": end}))
    reasoning = nodes.text()
    again = nodes.words({'{"reasoning":"': reasoning})
    no_more = {'],"instruction":"': instruction}
    step_end = nodes.words({"}": nodes.words({",": again} | no_more)})
    tools = {
        f'{tool.name}","parameters":{{': nodes.object([*tool.parameters.values()], step_end)
        for tool in VOCABULARY.values()
    }
    nodes.close(reasoning, nodes.words({',"tool":"': nodes.words(tools)}))
    steps = nodes.words({'{"reasoning":"': reasoning} | no_more)
    targets = {d: VOCABULARY[d].options for d in DIMENSIONS}
    context = nodes.object(
        [Parameter(d, "enum", (UNKNOWN, *values), UNKNOWN) for d, values in targets.items()],
        nodes.words({',"steps":[': steps}),
    )
    start = nodes.words({'{"version":1,"context":{': context})
    moves = np.full((len(nodes.moves), 256), -1, np.int32)
    for node, edges in enumerate(nodes.moves):
        moves[node, list(edges)] = list(edges.values())
    texts = np.full(len(moves), -1, np.int32)
    for first in nodes.texts:
        texts[first : first + len(_TEXT)] = first
    return Automaton(moves, texts, start, end, again)


class _Nodes:
    """A growing automaton in which equal nodes are one; `texts` lists the free texts' nodes."""

    def __init__(self):
        self.moves: list[dict[int, int]] = []
        self.texts: list[int] = []
        self._known: dict[frozenset, int] = {}
        self._numbers: dict[tuple, int] = {}

    def add(self, edges: dict[int, int]) -> int:
        key = frozenset(edges.items())
        if key not in self._known:
            self._known[key] = len(self.moves)
            self.moves.append(edges)
        return self._known[key]

    def words(self, words: dict[str, int]) -> int:
        """The node that reads one of the words and then stands at the word's node."""
        return self._tree({word.encode(): node for word, node in words.items()})

    def _tree(self, words: dict[bytes, int]) -> int:
        edges = {}
        if b"" in words:
            if len(words) == 1:
                return words[b""]
            # A word begins another one, as 0 does 0.5: what may follow it may follow here.
            edges |= self.moves[words[b""]]
        groups: dict[int, dict[bytes, int]] = {}
        for word, node in words.items():
            if word:
                groups.setdefault(word[0], {})[word[1:]] = node
        if edges.keys() & groups.keys():
            raise ValueError(f"{sorted(words)}: more than one way to read a byte")
        return self.add(edges | {byte: self._tree(rest) for byte, rest in groups.items()})

    def text(self) -> int:
        """The first node of a new free text, after its opening quote; to be closed once."""
        first = len(self.moves)
        self.texts.append(first)
        self.moves += [{} for _ in _TEXT]
        for source, characters, target in _TEXT_MOVES:
            edges = self.moves[first + _TEXT.index(source)]
            edges |= dict.fromkeys(characters, first + _TEXT.index(target))
        return first

    def close(self, text: int, then: int) -> None:
        self.moves[text][ord('"')] = then

    def object(self, fields: list[Parameter], then: int) -> int:
        """The node that reads fields in order, and the brace."""
        choices = {"}": then}
        after = self.words(choices)
        for field in reversed(fields):
            passed = {} if field.default is None else choices
            choices = passed | {f'"{field.name}":': self._value(field, after)}
            after = self.words({k if k == "}" else f",{k}": n for k, n in choices.items()})
        return self.words(choices)

    def _value(self, field: Parameter, then: int) -> int:
        if field.kind == "list":
            return self._list(field._replace(kind=field.items), then)
        if field.kind == "object":
            return self.words({"{}": then})
        if field.kind == "text":
            text = self.text()
            self.close(text, then)
            return self.words({'"': text})
        if field.kind != "number":
            return self.words({json.dumps(value): then for value in field.values})
        key = (field.values, then)  # of a thousand words each, and few differ
        if key not in self._numbers:
            values = map(json.dumps, _decimals(*field.values))
            self._numbers[key] = self.words(dict.fromkeys(values, then))
        return self._numbers[key]

    def _list(self, item: Parameter, then: int) -> int:
        after = self.words({"]": then})
        for _ in range(ITEMS - 1):
            after = self.words({"]": then, ",": self._value(item, after)})
        return self.words({"[": self._value(item, after)})


def _decimals(low: float, high: float) -> list[int | float]:
    scale = 10**DECIMALS
    whole = range(math.ceil(low), math.floor(high) + 1)
    return [
        *whole,
        *(n / scale for n in range(math.ceil(low * scale), math.floor(high * scale) + 1)),
    ]
