"""Plans judged by a model on the device, against the model called plainly."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.planner import Inputs, image_to_patches, image_tokens
from agentic_styling.rewards.judges import vlm_judge
from agentic_styling.rewards.judges.plan_rubric import PLAN, PLAN_PARTS
from agentic_styling.tools import Plan
from tests.planner import ours
from tests.rewards.judges.test_vlm_judge import RESULTS, SECRET, directory, judge, score_of, step

__all__ = ["directory", "judge"]  # fixtures


def test_plans_are_judged_in_eight_questions_about_one_picture(judge, monkeypatch):
    """The digits of a case are put in for the model's: 0 for the first part up to 7."""
    shown = []

    def digits(config, params, digit_ids, inputs):
        shown.append(inputs)
        return jnp.broadcast_to(jnp.arange(8.0), (len(inputs.patches), 8))

    monkeypatch.setattr(vlm_judge, "_mean_digits", digits)
    plans = [Plan({}, (step("weather", "weather_type", "fog_dense"),), "Let it fog.")] * 2
    scores = dataclasses.replace(judge, rubric=PLAN)(RESULTS[:2], ["more fog"] * 2, plans)
    for digit, part in enumerate(PLAN_PARTS):
        np.testing.assert_allclose(getattr(scores, part), 100 / 9 * digit, rtol=1e-5)
    assert shown[0].tokens.shape[0] == 16 and shown[0].patches.shape[:2] == (2, 1)
    texts = [judge.tokenizer.decode(row) for row in np.asarray(shown[0].tokens)]
    for text, question in zip(texts, 2 * list(PLAN.questions.values()), strict=True):
        assert question in text and SECRET in text and '"more fog"' in text


@pytest.mark.slow
def test_a_part_of_a_plan_is_the_mean_digit_of_the_models_answer(judge):
    """One question, without padding of its tokens, all logits made."""
    plan = Plan({}, (step("weather", "weather_type", "fog_dense"),), "Let it fog.")
    plan_judge = dataclasses.replace(judge, rubric=PLAN)
    found = plan_judge(RESULTS[:1], ["more fog"], [plan])
    [words] = PLAN.words(["more fog"], [plan])
    patches, grids = image_to_patches(RESULTS[0][None], judge.images)
    encode, tokenizer = judge.tokenizer.encode, judge.tokenizer
    places = [tokenizer.image_pad] * image_tokens(64, 64, judge.images)
    for part in PLAN_PARTS[::3]:
        text = PLAN.digit_question(words, part)
        ids = [tokenizer.im_start, *encode("user\n"), tokenizer.vision_start, *places]
        ids += [tokenizer.vision_end, *encode(text), tokenizer.im_end, *encode("\n")]
        tokens = jnp.array([[*ids, tokenizer.im_start, *encode("assistant\n")]])
        inputs = Inputs(tokens, jnp.ones(tokens.shape, bool), patches, grids)
        logits = jax.jit(ours.logits, static_argnums=0)(judge.config, judge.params, inputs)
        expected = score_of(judge, logits[0, -1])
        assert float(getattr(found, part)[0]) == pytest.approx(expected, abs=1e-2), part
