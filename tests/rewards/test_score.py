"""The reward ranks edits as it should, and is not fooled, on photographs of known state."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.data import load_photos, state_plan
from agentic_styling.data.build import draw_contexts
from agentic_styling.data.photos.states import make_step
from agentic_styling.evaluation import baselines
from agentic_styling.rewards import PARTS, asks, render_reference, score, score_against
from agentic_styling.tools import DIMENSIONS, UNKNOWN, VOCABULARY, Plan, Step, encode_plans, execute
from agentic_styling.utils.errors import InputError

FEW, MANY = 12, pytest.param(32, marks=pytest.mark.slow)  # cases
# Tools that the eight steps of `baselines.strongest` have no room for.
MILDER = {"location_setting": "underwater_reef", "time_period": "cyberpunk_dystopia"}


@pytest.fixture(scope="module", params=[FEW, MANY])
def cases(request):
    """Pictures in a known state, float32 [cases, 128, 128, 3], and their contexts."""
    contexts = draw_contexts(load_photos("scikit"), request.param, size=128, seed=7)
    crops = jnp.asarray(np.stack([c.pixels for c in contexts]), jnp.float32) / 255
    states = encode_plans([state_plan(c.state) for c in contexts])
    return execute(crops, states, jax.random.key(0)), contexts


@pytest.fixture(scope="module")
def requests(cases):
    return encode_plans([Plan({}, c.goal.request) for c in cases[1]])


@pytest.fixture(scope="module")
def rewarded(cases, requests):
    """From plans, one a case, to scores; the requests are rendered once for all."""
    source = cases[0]
    reference = render_reference(source, requests)

    def run(plans, picture=None):
        if picture is None:
            picture = execute(source, encode_plans(plans), jax.random.key(3))
        return score_against(reference, picture)

    return run


@pytest.fixture(scope="module")
def best(cases, requests):
    source = cases[0]
    return score(source, execute(source, requests, jax.random.key(3)), requests)


def test_the_request_itself_scores_near_the_top(best):
    assert float(best.reward.mean()) > 4.7
    assert float(best.reward.min()) > 3.5


@pytest.mark.parametrize("hack", ["identity", "random", "strongest"])
def test_hacks_score_below_the_best_plan(hack, best, rewarded):
    rng, count = np.random.default_rng(0), len(best.reward)
    plans = {
        "identity": [baselines.identity()] * count,
        "random": [baselines.random_plan(rng) for _ in range(count)],
        "strongest": [baselines.strongest()] * count,
    }[hack]
    fooled = rewarded(plans)
    assert float((fooled.reward < best.reward).mean()) >= 0.9
    assert float(fooled.reward.mean()) < 2.0


@pytest.mark.parametrize(
    "tool",
    [
        pytest.param(tool, marks=() if tool in ("time_of_day", "weather") else pytest.mark.slow)
        for tool in DIMENSIONS
    ],
)
def test_one_tool_at_its_strongest_scores_below_the_best_plan(tool, best, rewarded):
    option = (baselines.STRONGEST | MILDER)[tool]
    step = Step("", tool, {VOCABULARY[tool].target: option})
    found = rewarded([Plan({}, (step,))] * len(best.reward))
    assert float((found.reward < best.reward).mean()) >= 0.9


@pytest.mark.parametrize("wreck", ["white", "noise", "inverted", "blurred"])
def test_wrecked_pictures_score_low(wreck, cases, rewarded):
    source = cases[0]
    picture = {
        "white": jnp.ones_like(source),
        "noise": jax.random.uniform(jax.random.key(0), source.shape),
        "inverted": 1 - source,
        "blurred": jnp.broadcast_to(source.mean((1, 2), keepdims=True), source.shape),
    }[wreck]
    assert float(rewarded(None, picture).reward.mean()) < 1.5


def test_half_the_strength_scores_lower(cases, best, rewarded):
    def weaker(context):
        targets = {s.tool: s for s in context.goal.request}
        steps = [
            type(s)(s.reasoning, s.tool, s.parameters | {"strength": s.parameters["strength"] / 2})
            if "strength" in s.parameters
            else s
            for s in targets.values()
        ]
        return Plan({}, tuple(steps))

    half = rewarded([weaker(c) for c in cases[1]])
    assert float((half.reward < best.reward).mean()) > 0.9


WINTER = make_step("season", UNKNOWN, "winter_bare", 1.0)
GOLDEN = make_step("time_of_day", UNKNOWN, "golden_hour_sunset", 1.0)


def test_steps_that_do_not_commute_score_alike_in_another_order(cases):
    """At half their strength they do not score more."""
    source = cases[0]

    def encoded(*steps):
        return encode_plans([Plan({}, steps)] * len(source))

    def run(*steps):
        return score_against(reference, execute(source, encoded(*steps), jax.random.key(3))).reward

    reference = render_reference(source, encoded(WINTER, GOLDEN))
    half = [dataclasses.replace(s, parameters=s.parameters | {"strength": 0.5})
            for s in (GOLDEN, WINTER)]  # fmt: skip
    asked, swapped, weaker = run(WINTER, GOLDEN), run(GOLDEN, WINTER), run(*half)
    assert float(jnp.abs(swapped - asked).mean()) < 0.3
    assert float((swapped > weaker).mean()) >= 0.9


def test_the_second_rendering_is_that_of_the_steps_in_reverse(cases):
    """Constraints stay on their steps; a request of one edit has one rendering."""
    source = cases[0]
    blue = make_step("color_grading", UNKNOWN, "cool_blue", 1.0)
    left = Step("", "exclude_region", {"region_type": "left_half"})
    tint = Step("", "graduated_effect", {"effect_type": "color"})
    steps = [GOLDEN, blue, left, tint]

    def encoded(*steps):
        return encode_plans([Plan({}, steps), *[Plan({}, steps[:1])] * (len(source) - 1)])

    one, other = render_reference(source, encoded(*steps)).renderings
    expected = execute(source, encoded(*steps[::-1]), jax.random.key(0))
    np.testing.assert_allclose(other[0], expected[0], atol=1e-5)
    assert float(jnp.abs(one[0] - other[0]).max()) > 0.02
    np.testing.assert_array_equal(one[1:], other[1:])


def test_a_misread_state_scores_lower_where_it_matters(cases, best, rewarded):
    """The right plan depends on what the picture already is."""
    contexts = cases[1]
    relevant = [bool(c.state.keys() & {s.tool for s in c.goal.request}) for c in contexts]
    blind = [
        Plan(
            {},
            tuple(
                type(s)("", s.tool, {k: v for k, v in s.parameters.items() if "source" not in k})
                for s in c.goal.request
            ),
        )
        for c in contexts
    ]
    lost = np.asarray(best.reward - rewarded(blind).reward)[np.array(relevant)]
    assert sum(relevant) >= 8
    assert lost.mean() > 0.3
    assert (lost >= -0.05).mean() >= 0.9


def test_parts_overall_and_reward_belong_together(best):
    parts = np.stack([getattr(best, name) for name in PARTS])
    assert parts.min() >= 0 and parts.max() <= 100
    np.testing.assert_allclose(best.overall, parts.mean(0), rtol=1e-5)
    geometric = np.exp(np.log(np.maximum(parts, 1)).mean(0))
    np.testing.assert_allclose(best.reward, np.clip(geometric / 20, 0, 5), rtol=1e-4)


@pytest.mark.parametrize("cases", [MANY], indirect=True)  # the mean of a few varies too much
def test_an_enlarged_case_scores_alike(cases, requests, rewarded):
    source, contexts = cases
    plans = [baselines.edit_only(c.goal.text) for c in contexts]
    result = execute(source, encode_plans(plans), jax.random.key(3))
    shape = (len(contexts), 256, 256, 3)
    large = [jax.image.resize(x, shape, "cubic").clip(0, 1) for x in (source, result)]
    off = score(*large, requests).overall - rewarded(None, result).overall
    assert float(jnp.abs(off).mean()) < 2


def test_a_mirrored_case_scores_alike(cases, requests, rewarded):
    """The half whose request itself looks most alike in the mirror.

    Some lights always come from one side and score lower in the mirror:
    experiments/validate_reward.py measures all cases together.
    """
    source, contexts = cases
    plans = [baselines.edit_only(c.goal.text) for c in contexts]
    result = execute(source, encode_plans(plans), jax.random.key(3))
    asked, turned = (execute(x, requests, jax.random.key(3)) for x in (source, source[:, :, ::-1]))
    apart = jnp.abs(_block_means(asked) - _block_means(turned[:, :, ::-1])).mean((1, 2, 3))
    alike = np.asarray(apart <= jnp.median(apart))
    mirrored = score(source[:, :, ::-1], result[:, :, ::-1], requests)
    off = mirrored.reward - rewarded(None, result).reward
    assert float(20 * jnp.abs(off)[alike].mean()) < 2


def _block_means(pictures):
    """Means of 16 x 16 pixels, which grain and small particles leave as they are."""
    return pictures.reshape(len(pictures), 8, 16, 8, 16, 3).mean((2, 4))


KEEP = Step("", "preserve_attribute", {"attribute_type": "color"})
GLOW = Step("", "graduated_effect", {"effect_type": "brightness"})
FOG = Step("", "weather", {"weather_type": "fog_dense"})
FAINT = Step("", "weather", {"weather_type": "fog_dense", "strength": 0.0})


@pytest.mark.parametrize("steps", [(), (KEEP,), (FAINT,), (FAINT, KEEP)])
def test_a_request_for_no_edit_cannot_be_scored(steps):
    """Doing nothing would answer it perfectly."""
    picture = jnp.zeros((2, 32, 32, 3))
    with pytest.raises(InputError, match="request 1 asks for no edit"):
        score(picture, picture, encode_plans([Plan({}, (FOG,)), Plan({}, steps)]))


def test_what_asks_for_an_edit():
    requests = [(FOG, KEEP), (GLOW,), (KEEP,), ()]
    asking = asks(encode_plans([Plan({}, steps) for steps in requests]))
    assert asking.tolist() == [True, True, False, False]


def test_one_colour_pictures_have_finite_scores(cases, requests):
    values = jnp.linspace(0, 1, len(cases[1]), dtype=jnp.float32)
    flat = jnp.broadcast_to(values[:, None, None, None], cases[0].shape)
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(score(flat, flat, requests)))


def test_wrong_arguments_say_what_is_given_and_expected(cases):
    source = cases[0]
    request = encode_plans([Plan({}, (FOG,))] * len(source))
    with pytest.raises(InputError, match=r"result is uint8 \(\d+, 128, 128, 3\); give float32"):
        score(source, (source * 255).astype(jnp.uint8), request)
    with pytest.raises(InputError, match=r"result has values from 0.* to 255; give 0 to 1"):
        score(source, source.at[0, 0, 0, 0].set(255.0), request)
    with pytest.raises(InputError, match="source has 49152 NaN values; give 0 to 1"):
        score(source.at[0].set(jnp.nan), source, request)
    with pytest.raises(InputError, match="give as many of each"):
        score(source, source, encode_plans([Plan({}, (FOG,))]))


def test_scores_of_any_picture_and_size_are_finite():
    """Black, grey, white and noise against two requests each: the same, and the opposite."""
    pictures = jnp.stack([jnp.full((32, 32, 3), level) for level in (0.0, 0.4, 1.0)]
                         + [jax.random.uniform(jax.random.key(1), (32, 32, 3))])  # fmt: skip
    pictures = jnp.tile(pictures, (FEW // 4, 1, 1, 1))
    requests = encode_plans([Plan({}, (step,)) for step in (FOG, GLOW, GLOW) for _ in range(4)])
    for result in (pictures, 1 - pictures):
        scores = score(pictures, result, requests)
        assert all(np.isfinite(values).all() for values in jax.tree.leaves(scores))


def test_a_reference_serves_many_results(cases, best, rewarded):
    again = rewarded([Plan({}, c.goal.request) for c in cases[1]])
    np.testing.assert_allclose(again.reward, best.reward, atol=1e-3)


@pytest.mark.slow
def test_the_gradient_of_the_reward_is_finite_and_climbs(cases, requests):
    source = cases[0]
    reference = render_reference(source, requests)

    def total(image):
        return score_against(reference, image).reward.sum()

    slope = jax.grad(total)(source)
    assert np.isfinite(slope).all()
    assert total(jnp.clip(source + 0.01 * jnp.sign(slope), 0, 1)) > total(source)
