"""Plans with their true kernels: every option does something of its own, any plan gives a picture.

Kernel by kernel, as on a CPU, with a few options of every tool; and with every option in one
program, as under jit and on accelerators, which takes a minute to compile. How plans are run is
tested with light kernels in test_execute.py.
"""

import jax
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.transform import resize

from agentic_styling.tools import DIMENSIONS, MODIFIERS, VOCABULARY, encode_plans, execute
from agentic_styling.tools.executor.dispatch import run_in_one
from agentic_styling.tools.plans.steps import STRUCTURAL
from tests.slow import slow
from tests.tools.planned import ROWS, encoded, photograph, step
from tests.tools.strategies import plans

KEY = jax.random.key(7)
STYLED = [VOCABULARY[name] for name in DIMENSIONS]
QUICK = {"xla_backend_optimization_level": 0}


class ByKernel:
    """The executor on square pictures, whose kernels other files compile too."""

    shape = (128, 128)

    def __init__(self):
        self.photograph = photograph(*self.shape)
        self.images = np.broadcast_to(self.photograph, (ROWS, *self.photograph.shape))

    def execute(self, images, plans):
        return np.asarray(execute(images, plans, KEY))

    def values(self, tool, parameter=None):
        """Of a parameter, the target if none is named: the first and the last."""
        values = VOCABULARY[tool].parameters[parameter or VOCABULARY[tool].target].values
        return [values[0], values[-1]]

    def __call__(self, *rows, images=None):
        """Rows of steps on the photograph, each in the first row of a batch or where it falls."""
        images = self.images if images is None else images
        batches = [rows[i : i + ROWS] for i in range(0, len(rows), ROWS)]
        return np.concatenate([self._batch(images, b) for b in batches])

    def _batch(self, images, rows):
        plans = jax.tree.map(lambda x: x[: len(rows)], encoded(rows))
        return self.execute(images[: len(rows)], plans)


class InOneProgram(ByKernel):
    """All kernels in one program, compiled quickly rather than well, and every value."""

    shape = (32, 48)

    def __init__(self):
        super().__init__()
        lowered = run_in_one.lower(self.images, encoded([]), KEY, None, False)
        self.program = lowered.compile(compiler_options=QUICK)

    def execute(self, images, plans):
        return np.asarray(self.program(images, plans, KEY))

    def values(self, tool, parameter=None):
        return VOCABULARY[tool].parameters[parameter or VOCABULARY[tool].target].values

    def _batch(self, images, rows):
        return self.execute(images, encoded(rows))[: len(rows)]


@pytest.fixture(
    scope="module", params=[ByKernel, pytest.param(InOneProgram, marks=pytest.mark.slow)]
)
def run(request):
    return request.param()


def _test_images(seed, height, width):
    """Noise, flat ones, and photographs of people, animals and things, a row each."""
    rng = np.random.default_rng(seed)
    images = rng.random((ROWS, height, width, 3), np.float32)
    images[0], images[1], images[2] = 0.0, 1.0, 0.5
    for i, name in enumerate(("astronaut", "chelsea", "coffee", "rocket")):
        image = resize(getattr(skimage.data, name)() / 255, (height, width), anti_aliasing=True)
        images[3 + i] = image
    return images


@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # of what a random plan cannot mean
@pytest.mark.parametrize("examples", [1, pytest.param(8, marks=pytest.mark.slow)])
def test_any_plan_gives_a_picture(run, examples):
    @settings(max_examples=examples, deadline=None, database=None)
    @given(st.lists(plans(max_steps=8), min_size=ROWS, max_size=ROWS), st.integers(0, 9))
    def check(batch, seed):
        images = _test_images(seed, *run.shape)
        out = run.execute(images, encode_plans(batch))
        assert out.shape == images.shape
        assert out.dtype == np.float32
        assert np.isfinite(out).all()
        assert out.min() >= 0 and out.max() <= 1

    check()


def test_strength_zero_is_the_identity_bit_for_bit(run):
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
    assert all(np.array_equal(out, run.photograph) for out in run(*rows))


@pytest.fixture(scope="module")
def targets(run):
    """The photograph under target options: (tool, option) -> picture."""
    names = [(tool.name, v) for tool in STYLED for v in run.values(tool.name)]
    return dict(zip(names, run(*([step(*name)] for name in names)), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("tool", DIMENSIONS)
def test_every_option_changes_the_picture_and_differs_from_the_others(run, targets, tool):
    outs = {option: out for (name, option), out in targets.items() if name == tool}
    outs.pop("photorealistic", None)  # a photograph is it already
    for option, out in outs.items():
        # Bits of debris are few; the rest changes everything a little or much somewhere.
        assert np.mean(np.abs(out - run.photograph)) > 0.0025, option
    options = list(outs)
    for i, one in enumerate(options):
        for two in options[:i]:
            assert np.mean(np.abs(outs[one] - outs[two])) > 0.005, (one, two)


@pytest.mark.slow
def test_a_photograph_is_left_as_it_is_by_photorealistic(run):
    (out,) = run([step("artistic_medium", "photorealistic")])
    np.testing.assert_allclose(out, run.photograph, atol=1e-6)


def _others():
    for tool in STYLED:
        for name in tool.parameters:
            if name not in (tool.source, tool.target, "strength"):
                yield tool.name, name


@pytest.mark.slow
@pytest.mark.parametrize(("tool", "parameter"), _others())
def test_every_value_of_the_other_parameters_differs(run, tool, parameter):
    # Targets that show the parameter: precipitation, particles, a drawn medium.
    shown = {"weather": "light_rain", "atmospheric_effects": "snow_falling"}
    shown["artistic_medium"] = "oil_painting_thick"
    values = run.values(tool, parameter)
    outs = run(*([step(tool, shown.get(tool), **{parameter: value})] for value in values))
    for i in range(len(values)):
        for j in range(i):
            same = tool == "atmospheric_effects" and {values[i], values[j]} == {"auto", "white"}
            gap = np.abs(outs[i] - outs[j]).max()
            assert gap > 0.02 or same, (values[i], values[j])  # snow is white as it is


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["time_of_day", "season", "mood_lighting", "color_grading"])
def test_colour_statistics_tell_options_apart(run, targets, tool):
    """Mean and spread per channel of top and bottom, as a small vision model could read them."""

    def statistics(image):
        halves = image.reshape(2, run.shape[0] // 2, run.shape[1], 3)
        return np.concatenate([halves.mean((1, 2)).ravel(), halves.std((1, 2)).ravel()])

    found = [statistics(out) for (name, _), out in targets.items() if name == tool]
    gaps = [np.abs(a - b).max() for i, a in enumerate(found) for b in found[:i]]
    assert min(gaps) > 0.02


@pytest.mark.parametrize("tool", DIMENSIONS)
def test_a_source_that_is_the_target_changes_nothing(run, tool):
    source, values = VOCABULARY[tool].source, run.values(tool)
    outs = run(*([step(tool, value, **{source: value})] for value in values))
    np.testing.assert_allclose(outs, np.broadcast_to(run.photograph, outs.shape), atol=1e-6)


LINES = ("ink_brush", "pen_ink_lines", "pencil_sketch")  # without a look that could come off


@pytest.mark.parametrize("tool", [slow(t) if t == "artistic_medium" else t for t in DIMENSIONS])
def test_a_known_source_is_taken_off(run, tool):
    source, (first, *rest) = VOCABULARY[tool].source, run.values(tool)
    rest = [value for value in rest if value not in LINES]
    unknown, *known = run([step(tool, first)], *([step(tool, first, **{source: v})] for v in rest))
    for value, out in zip(rest, known, strict=True):
        assert np.abs(out - unknown).max() > 0.02, value


def test_night_is_undone_as_far_as_it_may_be_from_eight_bits(run):
    night = run([step("time_of_day", "night_moonlit")])
    saved = np.round(night * 255).astype(np.uint8).astype(np.float32) / 255
    known = step("time_of_day", "morning_bright", source_time="night_moonlit")
    unknown = step("time_of_day", "morning_bright")
    (wanted,) = run([unknown])
    day, dark = run([known], [unknown], images=np.broadcast_to(saved, run.images.shape))
    assert np.abs(day - wanted).mean() < 0.8 * np.abs(dark - wanted).mean()


@pytest.mark.slow
@pytest.mark.parametrize("tool", DIMENSIONS)
def test_stronger_is_further(run, tool):
    option = VOCABULARY[tool].parameters[VOCABULARY[tool].target].values[-1]
    outs = run(*([step(tool, option, strength=s)] for s in (0.02, 0.25, 0.5, 0.75, 1.0)))
    gaps = [np.abs(out - run.photograph).mean() for out in outs]
    assert gaps[0] < 0.1 * gaps[-1]
    assert (np.diff(gaps) > 0).all(), gaps
