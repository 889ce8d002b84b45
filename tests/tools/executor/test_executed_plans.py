"""Plans with their true kernels: every option does something of its own, any plan gives a picture.

All in one program, as under jit and on accelerators, compiled once, and quickly rather than well;
how plans are run is tested with light kernels in test_execute.py.
"""

import functools

import jax
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.transform import resize

from agentic_styling.tools import DIMENSIONS, MODIFIERS, VOCABULARY, encode_plans
from agentic_styling.tools.executor.api import run_in_one
from agentic_styling.tools.plans.steps import STRUCTURAL
from tests.tools.planned import ROWS, encoded, photograph, step
from tests.tools.strategies import plans

HEIGHT, WIDTH = 32, 48
PHOTOGRAPH = photograph(HEIGHT, WIDTH)
IMAGES = np.broadcast_to(PHOTOGRAPH, (ROWS, *PHOTOGRAPH.shape))
KEY = jax.random.key(7)
STYLED = [VOCABULARY[name] for name in DIMENSIONS]


@functools.cache
def _compiled():
    lowered = run_in_one.lower(IMAGES, encoded([]), KEY, None, False)
    return lowered.compile(compiler_options={"xla_backend_optimization_level": 0})


def run(*rows, images=IMAGES):
    """Rows of steps on the photograph, each in the first row of a batch or where it falls."""
    batches = [rows[i : i + ROWS] for i in range(0, len(rows), ROWS)]
    outs = [np.asarray(_compiled()(images, encoded(b), KEY))[: len(b)] for b in batches]
    return np.concatenate(outs)


def _test_images(seed):
    """Noise, flat ones, and photographs of people, animals and things, a row each."""
    rng = np.random.default_rng(seed)
    images = rng.random((ROWS, HEIGHT, WIDTH, 3), np.float32)
    images[0], images[1], images[2] = 0.0, 1.0, 0.5
    for i, name in enumerate(("astronaut", "chelsea", "coffee", "rocket")):
        image = resize(getattr(skimage.data, name)() / 255, (HEIGHT, WIDTH), anti_aliasing=True)
        images[3 + i] = image
    return images


@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # of what a random plan cannot mean
@settings(max_examples=8, deadline=None)
@given(st.lists(plans(max_steps=8), min_size=ROWS, max_size=ROWS), st.integers(0, 9))
def test_any_plan_gives_a_picture(batch, seed):
    images = _test_images(seed)
    out = np.asarray(_compiled()(images, encode_plans(batch), KEY))
    assert out.shape == images.shape
    assert out.dtype == np.float32
    assert np.isfinite(out).all()
    assert out.min() >= 0 and out.max() <= 1


def test_strength_zero_is_the_identity_bit_for_bit():
    steps = [
        step(tool.name, value, strength=0.0)
        for tool in STYLED
        for value in tool.parameters[tool.target].values
    ]
    rows = [steps[i : i + 8] for i in range(0, len(steps), 8)]
    named = ["season:winter_bare", "weather:heavy_rain"]  # brought by the step that names them
    given = {"conditional_transform": named[0], "selective_blend": 0.5}
    given |= dict.fromkeys(STRUCTURAL[1:], named)
    own = {"graduated_effect": "saturation"}
    rows += [[step(name, (given | own).get(name), strength=0.0)] for name in MODIFIERS]
    assert all(np.array_equal(out, PHOTOGRAPH) for out in run(*rows))


@pytest.fixture(scope="module")
def targets():
    """The photograph under every target option: (tool, option) -> picture."""
    names = [(tool.name, v) for tool in STYLED for v in tool.parameters[tool.target].values]
    return dict(zip(names, run(*([step(*name)] for name in names)), strict=True))


@pytest.mark.parametrize("tool", DIMENSIONS)
def test_every_option_changes_the_picture_and_differs_from_the_others(targets, tool):
    outs = {option: out for (name, option), out in targets.items() if name == tool}
    outs.pop("photorealistic", None)  # a photograph is it already
    for option, out in outs.items():
        # Bits of debris are few; the rest changes everything a little or much somewhere.
        assert np.mean(np.abs(out - PHOTOGRAPH)) > 0.0025, option
    options = list(outs)
    for i, one in enumerate(options):
        for two in options[:i]:
            assert np.mean(np.abs(outs[one] - outs[two])) > 0.005, (one, two)


def test_a_photograph_is_left_as_it_is_by_photorealistic(targets):
    out = targets["artistic_medium", "photorealistic"]
    np.testing.assert_allclose(out, PHOTOGRAPH, atol=1e-6)


def _others():
    for tool in STYLED:
        for name in tool.parameters:
            if name not in (tool.source, tool.target, "strength"):
                yield tool.name, name


@pytest.mark.parametrize(("tool", "parameter"), _others())
def test_every_value_of_the_other_parameters_differs(tool, parameter):
    # Targets that show the parameter: precipitation, particles, a drawn medium.
    shown = {"weather": "light_rain", "atmospheric_effects": "snow_falling"}
    shown["artistic_medium"] = "oil_painting_thick"
    values = VOCABULARY[tool].parameters[parameter].values
    outs = run(*([step(tool, shown.get(tool), **{parameter: value})] for value in values))
    for i in range(len(values)):
        for j in range(i):
            same = tool == "atmospheric_effects" and {values[i], values[j]} == {"auto", "white"}
            gap = np.abs(outs[i] - outs[j]).max()
            assert gap > 0.02 or same, (values[i], values[j])  # snow is white as it is


@pytest.mark.parametrize("tool", ["time_of_day", "season", "mood_lighting", "color_grading"])
def test_colour_statistics_tell_options_apart(targets, tool):
    """Mean and spread per channel of top and bottom, as a small vision model could read them."""

    def statistics(image):
        halves = image.reshape(2, HEIGHT // 2, WIDTH, 3)
        return np.concatenate([halves.mean((1, 2)).ravel(), halves.std((1, 2)).ravel()])

    found = [statistics(out) for (name, _), out in targets.items() if name == tool]
    gaps = [np.abs(a - b).max() for i, a in enumerate(found) for b in found[:i]]
    assert min(gaps) > 0.02


@pytest.mark.parametrize("tool", DIMENSIONS)
def test_a_source_that_is_the_target_changes_nothing(tool):
    source, target = VOCABULARY[tool].source, VOCABULARY[tool].target
    values = VOCABULARY[tool].parameters[target].values
    outs = run(*([step(tool, value, **{source: value})] for value in values))
    np.testing.assert_allclose(outs, np.broadcast_to(PHOTOGRAPH, outs.shape), atol=1e-6)


LINES = ("ink_brush", "pen_ink_lines", "pencil_sketch")  # without a look that could come off


@pytest.mark.parametrize("tool", DIMENSIONS)
def test_a_known_source_is_taken_off(tool):
    source, target = VOCABULARY[tool].source, VOCABULARY[tool].target
    first, *rest = VOCABULARY[tool].parameters[target].values
    rest = [value for value in rest if value not in LINES]
    unknown, *known = run([step(tool, first)], *([step(tool, first, **{source: v})] for v in rest))
    for value, out in zip(rest, known, strict=True):
        assert np.abs(out - unknown).max() > 0.02, value


def test_night_is_undone_as_far_as_it_may_be_from_eight_bits():
    night = run([step("time_of_day", "night_moonlit")])
    saved = np.round(night * 255).astype(np.uint8).astype(np.float32) / 255
    known = step("time_of_day", "morning_bright", source_time="night_moonlit")
    unknown = step("time_of_day", "morning_bright")
    (wanted,) = run([unknown])
    day, dark = run([known], [unknown], images=np.broadcast_to(saved, IMAGES.shape))
    assert np.abs(day - wanted).mean() < 0.8 * np.abs(dark - wanted).mean()


@pytest.mark.parametrize("tool", DIMENSIONS)
def test_stronger_is_further(tool):
    option = VOCABULARY[tool].parameters[VOCABULARY[tool].target].values[-1]
    outs = run(*([step(tool, option, strength=s)] for s in (0.02, 0.25, 0.5, 0.75, 1.0)))
    gaps = [np.abs(out - PHOTOGRAPH).mean() for out in outs]
    assert gaps[0] < 0.1 * gaps[-1]
    assert (np.diff(gaps) > 0).all(), gaps
