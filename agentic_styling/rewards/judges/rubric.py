"""Rubrics: what a judge is asked about a case, as data, and how its answer is read."""

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from agentic_styling.utils.errors import InputError
from agentic_styling.utils.package_data import read_beside

# The scale ends at 100, which is not one token: digit d stands for 100 / 9 * d.
DIGIT_QUESTION = """{opening}
{words}

{question}

Answer with one digit only, from 0, which stands for 0 on this scale, to 9, which stands for 100."""
_NUMBERS = {6: "six", 8: "eight"}
RUBRICS: dict[str, dict] = read_beside(__file__, "rubrics.json")  # fields of Rubric but functions


class Rubric(NamedTuple):
    """Questions about cases, each a picture or two and some words.

    questions: part -> its question, on a scale from 0 to 100.
    introduction: how the system turn of a chat begins.
    captions: said in a chat before each picture.
    heading: said in a chat before the words.
    opening: said to a model on the device between the pictures and the words.
    columns: the names of a judge's arguments, of B rows each, the pictures first.
    words: from the columns that are no pictures to the words of each row; raises InputError.
    combine: from the parts in percent, [B] each, to the scores that a judge returns.
    """

    questions: Mapping[str, str]
    introduction: str
    captions: list[str]
    heading: str
    opening: str
    columns: list[str]
    words: Callable[..., list[str]]
    combine: Callable[[dict], Any]

    @property
    def instructions(self) -> str:
        """The system turn of a chat."""
        form = json.dumps(dict.fromkeys(self.questions, 0)).replace("0", "...")
        return "\n".join(
            [
                self.introduction,
                *(f"{name}: {question}" for name, question in self.questions.items()),
                f"Answer with one JSON object of these {_NUMBERS[len(self.questions)]} integers "
                f"and nothing else, in this form: {form}",
            ]
        )

    def split(self, columns: Sequence, read: Callable) -> tuple[list, list[str]]:
        """The columns of pictures, each `read(column, name)`, and the words of each row.

        Raises InputError: the columns are not as many or as long as they should be.
        """
        pictures = len(self.captions)
        shown = list(map(read, columns[:pictures], self.columns))
        columns = [*shown, *columns[pictures:]]
        counts = [f"{len(c)} {n}" for c, n in zip(columns, self.columns, strict=True)]
        if len(set(map(len, columns))) > 1:
            listed = f"{', '.join(counts[:-1])} and {counts[-1]}"
            raise InputError(f"{listed}; give as many of each")
        return shown, self.words(*columns[pictures:])

    def digit_question(self, words: str, part: str) -> str:
        """What a model on the device is asked after it has seen the pictures."""
        question = self.questions[part]
        return DIGIT_QUESTION.format(opening=self.opening, words=words, question=question)

    def chat_content(self, words: str, shown: Sequence[np.ndarray]) -> list[str | np.ndarray]:
        """What is said and shown in a chat after the instructions; pictures uint8 [H, W, 3]."""
        captioned = zip(self.captions, shown, strict=True)
        return [*itertools.chain(*captioned), f"{self.heading}{words}"]

    def read_answer(self, text: str) -> dict[str, int]:
        """The integers of an answer to the instructions; 80.0 is one. Raises ValueError."""
        try:
            answer = json.loads(text)
        except (ValueError, TypeError, RecursionError) as error:
            raise ValueError(f"the answer is not JSON ({error})") from None
        if not isinstance(answer, dict) or answer.keys() != self.questions.keys():
            raise ValueError(f"the answer is not an object of {', '.join(self.questions)}")
        for name, value in answer.items():
            if type(value) not in (int, float) or not 0 <= value <= 100 or value != int(value):
                raise ValueError(f"{name} is {value!r}, not an integer from 0 to 100")
        return {name: int(value) for name, value in answer.items()}


def pictures(images, name: str) -> list[np.ndarray]:
    """Pictures, uint8 or floats in [0, 1], [B, H, W, 3] or a list, as a list of uint8 [H, W, 3].

    Raises InputError with the batch's name for another shape, dtype or range.
    """
    try:
        images = np.asarray(images) if hasattr(images, "ndim") else images
        images = [np.asarray(image) for image in images]
    except (TypeError, ValueError):
        raise InputError(f"{name} are not pictures; give [B, H, W, 3] or a list") from None
    return [_pixels(image, f"{name}[{row}]") for row, image in enumerate(images)]


def _pixels(image: np.ndarray, where: str) -> np.ndarray:
    if image.ndim != 3 or image.shape[-1] != 3 or not image.size:
        raise InputError(f"{where} has shape {image.shape}; each must be [H, W, 3]")
    if image.dtype == np.uint8:
        return image
    if not jnp.issubdtype(image.dtype, jnp.floating):
        raise InputError(f"{where} is {image.dtype}; give uint8, or floats in [0, 1]")
    low, high = float(image.min()), float(image.max())
    if not -1e-3 <= low <= high <= 1 + 1e-3:
        raise InputError(f"{where} runs from {low:g} to {high:g}; give uint8, or floats in [0, 1]")
    return np.uint8(np.round(255 * image.astype(np.float32).clip(0, 1)))
