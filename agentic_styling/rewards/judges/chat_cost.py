"""Cost estimates of questions to a chat endpoint."""

import math
from typing import NamedTuple

import numpy as np

from agentic_styling.utils.errors import InputError


class Estimate(NamedTuple):
    """Questions to ask, and their tokens in all."""

    questions: int
    tokens_in: int
    tokens_out: int


def text_tokens(letters: int) -> int:
    """One token for every four characters."""
    return math.ceil(letters / 4)


def picture_tokens(height: int, width: int) -> int:
    """GPT-4o's count: at most 2048 x 2048, a short side of at most 768, in tiles of 512 x 512."""
    sides = np.array([height, width], float)
    sides *= min(1, 2048 / sides.max())
    sides *= min(1, 768 / sides.min())
    return 85 + 170 * int(np.ceil(sides / 512).prod())


def check_prices(prices: tuple[float, float] | None, option: str = "--prices") -> None:
    """Raises InputError naming the option, unless the prices are None or two from 0 up."""
    given = (0.0, 0.0) if prices is None else prices
    valid = all(isinstance(price, int | float) and 0 <= price < math.inf for price in given)
    if len(given) != 2 or not valid:
        written = " ".join(str(price).removesuffix(".0") for price in given)
        raise InputError(f"{option}: {written}; give two numbers from 0 up")


def announce(
    command: str,
    questions: str,
    asked: Estimate,
    prices: tuple[float, float] | None,
    yes: bool,
    option: str = "--prices",
) -> None:
    """Prints an estimate for some questions, which are also given in words with their number.

    command: that asks, for the error line. prices: of a million tokens in and out, set by `option`;
    None if they are not known. Raises InputError for invalid prices, and for questions without
    `yes`, by which the user agrees.
    """
    check_prices(prices, option)
    price = f"give {option} for the cost"
    if prices is not None:
        cost = (asked.tokens_in * prices[0] + asked.tokens_out * prices[1]) / 1e6
        price = f"about {cost:.3g} at these prices"
    print(f"{questions}, about {asked.tokens_in} tokens in and {asked.tokens_out} out; {price}")
    if asked.questions and not yes:
        raise InputError(f"{command}: nothing was asked; give --yes to ask")
