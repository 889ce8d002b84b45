import io

import numpy as np

from agentic_styling.cli.style import film_strip
from agentic_styling.tools import Plan, Step


def strip(reasoning):
    step = Step(reasoning, "season", {"target_season": "winter_bare"})
    return film_strip(np.zeros((2, 30, 40, 3), np.uint8), Plan({}, (step,), "Snow."))


def test_a_frame_for_each_step_as_it_runs():
    group = {"steps": ["weather:hail", "color_grading:cool_blue", "season"]}
    steps = (
        Step("", "sequence_transform", group),
        Step("", "season", {"target_season": "winter_bare"}),
    )
    frames = np.zeros((9, 30, 40, 3), np.uint8)
    strips = [film_strip(frames, Plan({}, chosen)) for chosen in (steps, steps[1:])]
    assert [s.width for s in strips] == [20 + count * 420 for count in (4, 2)]


def test_a_long_reason_is_clipped():
    """An untrained planner may write very long reasons."""
    lines = [strip("word " * count).height for count in (1, 20, 400, 4000)]
    assert lines[0] < lines[1] < lines[2] == lines[3]
    assert strip("x" * 9000).height == lines[3]


def test_a_tall_photograph_is_not_stretched():
    """Of 90 x 180 pixels, so 150 wide at a height of 300, in a column of 200 for its caption."""
    made = film_strip(np.zeros((1, 180, 90, 3), np.uint8), Plan({}, ()))
    drawn = (np.asarray(made)[100] == 0).all(axis=1)
    assert made.width == 240 and drawn.sum() == 150


def test_a_strip_of_very_wide_photographs_is_a_jpeg():
    steps = (Step("", "season", {"target_season": "winter_bare"}),) * 3
    made = film_strip(np.zeros((4, 64, 4096, 3), np.uint8), Plan({}, steps))
    made.save(io.BytesIO(), "JPEG")
    assert 64_000 < made.width <= 65_000 + 20
