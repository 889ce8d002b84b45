"""Cost estimates of questions to a chat endpoint."""

import math
from typing import NamedTuple

import numpy as np

from agentic_styling.utils.errors import InputError


class Estimate(NamedTuple):
    """The questions that the cache lacks, their tokens, and their cost."""

    questions: int
    tokens_in: int
    tokens_out: int
    cost: float


def estimate(
    questions: int, tokens_in: int, tokens_out: int, price_in: float, price_out: float
) -> Estimate:
    """The estimate at prices for a million tokens; the cost is in the same currency."""
    cost = tokens_in * price_in / 1e6 + tokens_out * price_out / 1e6
    return Estimate(questions, tokens_in, tokens_out, cost)


def text_tokens(letters: int) -> int:
    """One token for every four characters."""
    return math.ceil(letters / 4)


def picture_tokens(height: int, width: int) -> int:
    """GPT-4o's count: at most 2048 x 2048, a short side of at most 768, in tiles of 512 x 512."""
    sides = np.array([height, width], float)
    sides *= min(1, 2048 / sides.max())
    sides *= min(1, 768 / sides.min())
    return 85 + 170 * int(np.ceil(sides / 512).prod())


def checked_prices(
    prices: tuple[float, float] | None, option: str = "--prices"
) -> tuple[float, float]:
    """The prices, or zeros. Raises InputError naming the option, unless they are two from 0 up."""
    numbers = tuple(prices or (0.0, 0.0))
    valid = all(isinstance(price, int | float) and 0 <= price < float("inf") for price in numbers)
    if len(numbers) != 2 or not valid:
        given = " ".join(str(price).removesuffix(".0") for price in numbers)
        raise InputError(f"{option}: {given}; give two numbers from 0 up")
    return numbers


def announce(
    command: str,
    questions: str,
    cost: Estimate,
    priced: bool,
    yes: bool,
    options: tuple[str, str] = ("--prices", "--yes"),
) -> None:
    """Prints an estimate.

    Args:
      command: the command that asks, for the error line.
      questions: the questions in words, with their number.
      cost: the estimate.
      priced: whether prices were given.
      yes: whether the user has agreed.
      options: that set the prices, and by which the user agrees.

    Raises:
      InputError: there are questions to ask, and the user has not agreed.
    """
    set_prices, agree = options
    price = (
        f"about {cost.cost:.3g} at these prices" if priced else f"give {set_prices} for the cost"
    )
    print(f"{questions}, about {cost.tokens_in} tokens in and {cost.tokens_out} out; {price}")
    if cost.questions and not yes:
        raise InputError(f"{command}: nothing was asked; give {agree} to ask")
