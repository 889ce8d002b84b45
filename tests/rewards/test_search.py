"""Plans are grouped by what they do, compared by the reward, and chosen for each photograph."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.planner import Completion
from agentic_styling.rewards import best_plans, cross_rewards, render_reference, score_against
from agentic_styling.rewards.probes import at_probe_size
from agentic_styling.rewards.search import IDLE, group
from agentic_styling.tools import Plan, Step, encode_plans, execute_steps
from agentic_styling.utils.errors import InputError


def plan(option=None, reason="So.", **parameters):
    steps = (
        [Step(reason, "color_grading", {"target_palette": option} | parameters)] if option else []
    )
    return Plan({}, tuple(steps), reason)


WARM, COLD, GREY = plan("warm_sunset"), plan("cool_blue"), plan("monochrome_bw")
NOTHING = plan()


@pytest.fixture(scope="module")
def photo():
    """uint8 [96, 160, 3], smooth, with all colours."""
    y, x = np.mgrid[0:1:96j, 0:1:160j]
    return np.uint8(255 * np.stack([x, y, 1 - x * y], -1))


class Sampler:
    """A planner whose samples are given, in place of a model."""

    form = "json"

    def __init__(self, *plans, logps=None):
        self.plans, self.logps, self.asked = plans, logps or [0.0] * len(plans), []

    def plan(self, images, goals, **options):
        self.asked.append(options)
        return [[self.plans[0]] for _ in goals]

    def score(self, images, goals, **options):
        self.asked.append(options)
        own = list(zip(self.plans, self.logps, strict=True))
        return [[Completion(p.to_json(), [], logp, 1) for p, logp in own] for _ in goals]


def test_plans_that_do_the_same_are_of_one_kind_whatever_their_words():
    other_words = plan("warm_sunset", "Since it is warm.")
    weaker = plan("warm_sunset", strength=0.5)
    preserving = Step("", "preserve_attribute", {"attribute_type": "color"})
    only_preserves = Plan({}, (preserving,))
    plans = [COLD, WARM, NOTHING, other_words, weaker, COLD, only_preserves]
    kinds, distinct = group(plans)
    assert kinds.tolist() == [0, 1, IDLE, 1, 2, 0, IDLE]
    assert distinct == [COLD, WARM, weaker]


def test_rewards_are_those_of_each_result_against_each_request(photo):
    plans = [WARM, COLD, GREY]
    rewards = cross_rewards(photo, plans)
    assert rewards.shape == (3, 3)
    assert (np.diag(rewards) > 4.5).all() and (rewards - np.diag(rewards) < 0.1).all()
    source = jnp.repeat(at_probe_size(jnp.float32(photo)[None] / 255), 4, 0)
    results = execute_steps(source, encode_plans([*plans, GREY]), jax.random.key(5))[:, -1]
    for j, request in enumerate(plans):
        reference = render_reference(source, encode_plans([request] * 4))
        alone = score_against(reference, results).reward[:3]
        np.testing.assert_allclose(rewards[:, j], alone, atol=1e-3)
    assert cross_rewards(photo, [WARM]).tolist() == [[0]]


def test_the_plan_that_samples_agree_on_is_chosen_for_each_photograph(photo):
    tall = photo.transpose(1, 0, 2)[:, :80] / np.float32(255)
    sampler = Sampler(GREY, WARM, COLD, WARM, WARM)
    found = best_plans(sampler, [photo, tall], ["a", "b"], samples=5, seed=3, states=[{}, {}])
    assert [best.plan for best in found] == [WARM, WARM]
    assert all((best.distinct, best.choice.alike, best.idle) == (3, 3, 0) for best in found)
    options = {"num_samples": 5, "temperature": 1.0, "seed": 3, "states": [{}, {}]}
    assert sampler.asked == [options | {"constrained": True}]
    assert "3 distinct plans of 5: this one, sampled 3 of 5 times," in found[0].why()
    assert f"{found[0].choice.mean_reward:.2f} of 5" in found[0].why()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("plans", "chosen", "why"),
    [
        ([NOTHING, WARM, NOTHING], 2, "2 distinct plans of 3: 2 change nothing, so the photograph"),
        ([WARM, NOTHING, WARM], 2, "2 distinct plans of 3: the other one changes nothing"),
        ([WARM, WARM, WARM], 2, "1 distinct plan of 3: all do the same"),
    ],
)
def test_nothing_is_rendered_where_there_is_nothing_to_compare(plans, chosen, why):
    plans = [plan(*(s.option for s in p.steps), reason=str(n)) for n, p in enumerate(plans)]
    (best,) = best_plans(Sampler(*plans, logps=[-2, -3, -1]), [None], ["a"], samples=3)
    assert best.plan == plans[chosen] and best.why().startswith(why)


def test_one_sample_is_what_the_planner_plans():
    sampler = Sampler(WARM)
    (best,) = best_plans(sampler, [None], ["a"], samples=1, temperature=0.5, seed=7, top_k=2)
    assert best.plan is WARM and best.samples == best.distinct == 1
    assert sampler.asked == [{"temperature": 0.5, "seed": 7, "states": None, "top_k": 2}]


@pytest.mark.parametrize(
    ("images", "samples", "message"),
    [
        ([None], 0, "samples 0 is too small; use at least 1"),
        (None, 2, "0 images and 1 goals; give an image per goal"),
        ([None] * 2, 2, "2 images and 1 goals"),
    ],
)
def test_what_does_not_fit_is_one_line(images, samples, message):
    with pytest.raises(InputError, match=message):
        best_plans(Sampler(WARM), images, ["a"], samples=samples)
