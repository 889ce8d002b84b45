"""What questions to a chat endpoint take, told before any is asked."""

import math
from typing import NamedTuple

import numpy as np

from agentic_styling.utils.errors import InputError


class Estimate(NamedTuple):
    """What a batch will take: questions that the cache lacks, their tokens, and the cost."""

    questions: int
    tokens_in: int
    tokens_out: int
    cost: float


def estimate(
    questions: int, tokens_in: int, tokens_out: int, price_in: float, price_out: float
) -> Estimate:
    """The estimate at prices of a million tokens; the cost is in the same currency."""
    cost = tokens_in * price_in / 1e6 + tokens_out * price_out / 1e6
    return Estimate(questions, tokens_in, tokens_out, cost)


def text_tokens(letters: int) -> int:
    """A token for four characters."""
    return math.ceil(letters / 4)


def picture_tokens(height: int, width: int) -> int:
    """GPT-4o's count: shrunk into 2048 squared and to a short side of 768, then cut into tiles."""
    sides = np.array([height, width], float)
    sides *= min(1, 2048 / sides.max())
    sides *= min(1, 768 / sides.min())
    return 85 + 170 * int(np.ceil(sides / 512).prod())


def checked_prices(prices: tuple[float, float] | None) -> tuple[float, float]:
    """The prices of --prices, 0 where none are given. Raises InputError for other numbers."""
    if prices and not all(0 <= price < float("inf") for price in prices):
        raise InputError(f"--prices: {prices[0]:g} {prices[1]:g}; give two numbers from 0 up")
    return tuple(prices or (0.0, 0.0))


def announce(command: str, questions: str, found: Estimate, priced: bool, yes: bool) -> None:
    """Say what will be asked, and stop without `yes`.

    command, questions: what asks and which questions, in words. priced: whether the cost is known.
    """
    cost = f"about {found.cost:.3g} at these prices" if priced else "--prices tells the cost"
    print(f"{questions}, about {found.tokens_in} tokens in and {found.tokens_out} out; {cost}")
    if found.questions and not yes:
        raise InputError(f"{command}: nothing was asked; give --yes to ask")
