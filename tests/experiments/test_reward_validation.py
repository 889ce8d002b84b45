"""The reward's validation: edits that are what they are called, verdicts that can be bad."""

import importlib
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from agentic_styling.data.photos.photos import Photo
from agentic_styling.data.photos.states import make_step
from agentic_styling.tools import UNKNOWN
from agentic_styling.utils.errors import InputError

sys.path.append(str(Path(__file__).parents[2] / "experiments"))
cases = importlib.import_module("reward_validation.cases")
photos = importlib.import_module("reward_validation.photos")
tables = importlib.import_module("reward_validation.tables")
calibrate_reward = importlib.import_module("calibrate_reward")
fit_reward = importlib.import_module("fit_reward")
validate_reward = importlib.import_module("validate_reward")

REQUEST = (
    make_step("season", UNKNOWN, "winter_bare", 0.5),
    make_step("color_grading", UNKNOWN, "cool_blue", 0.5),
    make_step("exclude_region", UNKNOWN, "left_half", 0.5),
)


def rng():
    return np.random.default_rng(0)


def targets(steps):
    return [next(v for k, v in s.parameters.items() if "source" not in k) for s in steps]


def test_one_edit_is_forgotten_never_the_constraint():
    for _ in range(5):
        left = targets(cases.forgets_one(REQUEST, rng()))
        assert len(left) == 2 and left[-1] == "left_half"


def test_a_neighbour_replaces_one_option():
    changed = targets(cases.takes_a_neighbour(REQUEST, rng()))
    assert sum(a != b for a, b in zip(changed, targets(REQUEST), strict=True)) == 1


def test_a_needless_step_is_of_another_dimension():
    steps = cases.adds_a_step(REQUEST, rng())
    assert len({s.tool for s in steps}) == 4 and set(targets(REQUEST)) < set(targets(steps))


def test_strength_scales_edits_only():
    half = cases.with_strength(REQUEST, 0.5)
    assert [s.parameters.get("strength") for s in half] == [0.25, 0.25, None]


def test_another_order_has_the_same_steps_and_is_neither_the_requests_nor_its_reverse():
    fog = make_step("weather", UNKNOWN, "fog_dense", 0.5)
    edits = (*REQUEST[:2], fog)
    assert cases.in_another_order(REQUEST, rng()) == (REQUEST[1], REQUEST[0], REQUEST[2])
    for seed in range(5):
        steps = cases.in_another_order((*edits, REQUEST[2]), np.random.default_rng(seed))
        assert steps[3] == REQUEST[2] and set(targets(steps[:3])) == set(targets(edits))
        assert steps[:3] not in (edits, edits[::-1])
    assert cases.in_another_order(REQUEST[1:], rng()) == REQUEST[1:]


def save_noise(folder, seeds):
    """A photograph of noise for each name, by its seed."""
    for name, seed in seeds.items():
        pixels = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.png")


def test_photographs_are_halved_and_a_series_or_near_duplicates_are_on_one_side(tmp_path):
    series, alike = {"view1": 0, "view2": 1, "view10": 2}, {"one": 3, "two": 3}
    seeds = series | alike | {"a": 4, "b": 5, "c": 6}
    save_noise(tmp_path, seeds)
    halves = photos.calibration_photos(tmp_path), photos.validation_photos(tmp_path)
    one, other = ({Path(photo.name).stem for photo in half} for half in halves)
    assert one | other == set(seeds) and not one & other
    assert 4 <= len(one) <= 6  # the group that fills the half may be of three
    for together in (series, alike):
        assert len({name in one for name in together}) == 1


def test_a_folder_of_one_series_is_refused(tmp_path):
    save_noise(tmp_path, {"IMG_0001": 0, "IMG_0002": 1})
    with pytest.raises(InputError, match="its 2 photographs are of one series or alike"):
        photos.validation_photos(tmp_path)


def test_each_photograph_is_drawn_as_often_as_the_others():
    own = [Photo(name, rng().integers(0, 256, (64, 64, 3), np.uint8)) for name in "abc"]
    drawn = [context.photo for context in photos.draw_evenly(own, 7, 32, 0)]
    assert sorted(map(drawn.count, "abc")) == [2, 2, 3]


def test_the_mirror_of_a_request_swaps_its_sides():
    assert targets(cases.mirrored(REQUEST)) == ["winter_bare", "cool_blue", "right_half"]
    assert cases.mirrored(cases.mirrored(REQUEST)) == REQUEST


@pytest.mark.parametrize("name", ["half as large", "twice as large", "mirrored"])
def test_copies_keep_the_picture(name):
    across, down = jnp.linspace(0.2, 0.8, 32)[:, None], jnp.linspace(0.3, 0.7, 32)
    ramp = jnp.broadcast_to((across + down)[None, :, :, None] / 2, (1, 32, 32, 3))
    found = cases.COPIES[name](ramp)
    assert float(jnp.abs(found.mean() - ramp.mean())) < 1e-3


def results(intended, random):
    """Results in which every edit but these two scores 2 for both rewards."""
    names = [*cases.TRAJECTORIES, *cases.WRECKS, *cases.PUSHES]
    names += ["the first step five times", "the strongest of eight tools"]
    names += ["in another order", "in another order at half the strength"]
    names += ["another photograph in that look", "ascent through the reward"]
    names += [f"{name}, where half is asked" for name in ("half", "double", "random plan")]
    names += [f"mixed, {name}" for name in cases.COPIES]
    spread = [2.0 + 0.01 * i for i in range(4)]
    rewards = {name: [spread, spread] for name in names}
    rewards |= {"intended": [intended] * 2, "random plan": [random] * 2}
    return {
        "machine": "",
        "photographs": "",
        "photos": ["a.jpg", "a.jpg", "b.jpg", "b.jpg"],
        "calibration": "",
        "cases": 4,
        "size": 32,
        "rewards": rewards,
        "corrupted": [3.0, 2.0, 2.5],
        "spearman": 0.5,
    }


def test_the_table_says_what_is_missed():
    page = tables.report(results(intended=[5.0, 5.0, 5.0, 1.0], random=[2.5] * 4))
    rows = {tuple(row.split(" | ")[:2]): row for row in page.splitlines()}
    assert "75.0 %" in rows["| intended", "one forgotten"]
    assert "missed" in rows["| intended", "one forgotten"]
    assert "100.0 %" in rows["| random plan", "clipped"]
    assert "met" in rows["| random plan", "clipped"]
    assert "25.0 %" in rows["| identity", "25.0 %"] and "missed" in rows["| identity", "25.0 %"]
    assert "3.00, 2.00, 2.50; **missed**" in page
    assert "0.50, bar 0.7: **missed**" in page


@pytest.mark.parametrize(
    "script, arguments, message",
    [
        (validate_reward, ["--out", "x", "--cases", "1"], "--cases: 1 is too small; at least 2"),
        (validate_reward, ["--out", "x", "--size", "8"], "--size: 8 is too small; at least 32"),
        (fit_reward, ["photos", "--cases", "5"], "--cases: 5 is too few; at least 20"),
        (calibrate_reward, ["photos", "--crops", "0"], "--crops: 0 is too few; at least"),
    ],
)
def test_numbers_that_are_too_small_are_refused(script, arguments, message, capsys):
    with pytest.raises((InputError, SystemExit)) as stop:
        script.main(arguments)
    assert message in capsys.readouterr().err + str(stop.value)


def test_the_slope_of_a_movement_is_found():
    """Probes that move by 3 - p / 2: the base about the middle, and the slope, a little shrunk."""
    before = np.random.default_rng(0).normal(size=(4000, 2)) * 10
    moved = np.broadcast_to(3 - before / 2, (2, 4000, 2))
    base, slope = calibrate_reward._regressed(before - before.mean(0), moved)
    np.testing.assert_allclose(base, 3 - before.mean(0) / 2, rtol=1e-6)
    np.testing.assert_allclose(slope, -0.5 / 1.01, rtol=5e-3)
