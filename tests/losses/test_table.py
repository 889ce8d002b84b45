"""What holds for every loss of the table: signatures, options, extremes, micro-batches, devices."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling import losses
from agentic_styling.losses import LOSSES, PRESETS, REDUCTIONS, Loss
from tests.losses.rows import KINDS, columns, options, take
from tests.slow import slow_but

NEEDS = {"rewards", "statistics", "contexts", "pairs", "reference", "filtered", "lengths"}
NEEDS |= {"means", "tokens", "whole_batch", "every_token", "best", "old", "sequence_ratio"}
ROW_BY_ROW = [n for n, loss in LOSSES.items() if "whole_batch" not in loss.needs]
ROW_BY_ROW.remove("released_code")


def logp_names(loss: Loss) -> list[str]:
    return [n for n in inspect.signature(loss.function).parameters if n.endswith("logps")]


@pytest.mark.parametrize("name", LOSSES)
def test_needs_and_signature_agree(name):
    loss = LOSSES[name]
    parameters = inspect.signature(loss.function).parameters
    assert loss.function is getattr(losses, name)
    assert loss.needs <= NEEDS
    pairs = "pairs" in loss.needs
    first = "chosen_logps" if pairs else "token_logps" if "tokens" in loss.needs else "logps"
    assert next(iter(parameters)) == first
    assert ("rewards" in loss.needs) == bool({"rewards", "chosen_rewards"} & set(parameters))
    of_others = {"mean", "quantile"} & set(parameters)
    assert bool({"statistics", "contexts"} & loss.needs) == bool(of_others)
    assert ("lengths" in loss.needs) == ("chosen_lengths" in parameters)
    reference = parameters.get("ref_chosen_logps" if pairs else "ref_logps")
    assert ("reference" in loss.needs) == (
        reference is not None and reference.default is reference.empty
    )
    assert ("old" in loss.needs) == ("old_token_logps" in parameters)
    text = inspect.getdoc(loss.function)
    assert "Source: " in text and "[B" in text


def test_options_of_the_papers_five():
    stable = {"shift": 0.0, "clip": 0.0, "taper": False, "kl_coef": 0.0}
    both = {"length_normalized": False}
    assert LOSSES["standard"].options == {"kl_coef": 0.0} | both
    assert LOSSES["reward_filtered"].options == {"threshold": 4.0, "kl_coef": 0.0} | both
    assert LOSSES["reward_weighted"].options == {"floor": 3.0, "clip": 0.0, "kl_coef": 0.0} | both
    weighted = LOSSES["standardized_reward_weighted"]
    assert weighted.options == stable | both | {"per_context": False}
    assert LOSSES["dpo"].options == {"beta": 0.1} | both


def test_options_say_what_they_need():
    loss = LOSSES["standardized_reward_weighted"]
    assert loss.requires({"taper": False, "kl_coef": 0.0}) == loss.needs
    assert loss.requires({"taper": True}) == loss.needs | {"reference"}
    assert loss.requires({"kl_coef": 0.1}) == loss.needs | {"reference"}
    assert loss.requires({"per_context": True}) == {"rewards", "contexts"}
    online = LOSSES["grpo"]
    assert online.requires(online.options) == {"tokens", "old", "rewards", "contexts"}
    assert online.requires({"kl_coef": 0.04}) == online.needs | {"reference_tokens"}
    with pytest.raises(ValueError, match="give ref_logps"):
        losses.standard(jnp.ones(2), kl_coef=0.1)


def test_presets_are_of_the_tables():
    papers = {"S", "R", "RW", "SW", "D", "released_code"}
    assert set(PRESETS) == papers | {"GRPO", "DR_GRPO", "DAPO", "GSPO", "RLOO"}
    for preset in PRESETS.values():
        assert preset.options.keys() <= LOSSES[preset.loss].options.keys()
        assert preset.reduction in REDUCTIONS
    # The paper's numbers are the defaults.
    for name in papers:
        assert PRESETS[name].options.items() <= LOSSES[PRESETS[name].loss].options.items()


@pytest.mark.parametrize(
    ("name", "loss", "reduction", "options"),
    [
        ("GRPO", "grpo", "seq-mean-token-mean", {"clip_low": 0.2, "clip_high": 0.2}),
        ("DR_GRPO", "dr_grpo", "seq-mean-token-sum", {"clip_low": 0.2, "clip_high": 0.2}),
        ("DAPO", "grpo", "token-mean", {"clip_low": 0.2, "clip_high": 0.28}),
        ("GSPO", "gspo", "seq-mean-token-mean", {"clip_low": 3e-4, "clip_high": 4e-4}),
        ("RLOO", "rloo", "seq-mean-token-sum", {"shift": 0.0, "clip": 0.0, "taper": False}),
    ],
)
def test_online_presets_are_as_published(name, loss, reduction, options):
    preset = PRESETS[name]
    assert (preset.loss, preset.reduction) == (loss, reduction)
    found = LOSSES[loss].options | preset.options
    assert options.items() <= found.items()
    assert found["kl_coef"] == (0.04 if name == "GRPO" else 0.0)


@pytest.mark.parametrize("name", slow_but(LOSSES, *KINDS))
def test_half_precision_comes_out_as_float32(name):
    made = take(columns(), name)
    low = {k: v.astype(jnp.bfloat16) if k.endswith("logps") else v for k, v in made.items()}
    values = LOSSES[name](low, **options(name))
    assert values.dtype == jnp.float32
    assert values.shape == (16,)


@pytest.mark.parametrize("name", slow_but(LOSSES, *KINDS))
def test_finite_for_log_ratios_of_ten_thousand(name):
    loss, given = LOSSES[name], options(name)
    base = take(columns(), name)
    ratios = np.array([-1e4, -1e3, -100, -1, 0, 1, 100, 1e4], np.float32)
    ratios = jnp.concatenate([ratios, ratios[::-1]])
    moving = [n for n in logp_names(loss) if not n.startswith(("ref_", "token_"))]
    if "tokens" in loss.needs:
        base["token_logps"], moving = base["token_logps"].at[:, 0].set(-jnp.abs(ratios)), []
    made = dict(base)
    for sign, n in zip((1, -1), moving, strict=False):
        ref = base.get(f"ref_{n}", jnp.zeros(16))
        # Log-probabilities themselves are at most 0.
        made[f"ref_{n}"] = jnp.minimum(ref, -10.0) - jnp.maximum(sign * ratios, 0)
        made[n] = made[f"ref_{n}"] + sign * ratios
    names = [n for n in logp_names(loss) if n in made]

    def total(logps):
        values = loss(made | logps, **given)
        return values.sum(), values

    gradient, values = jax.grad(total, has_aux=True)({n: made[n] for n in names})
    assert np.isfinite(values).all()
    for column in gradient.values():
        assert np.isfinite(column).all()


def test_finite_with_every_option_and_certain_tokens():
    ratios = jnp.array([-1e4, -50.0, 0.0, 50.0, 1e4])
    ref = jnp.full(5, -1.0) - jnp.maximum(ratios, 0)

    def total(logps):
        return losses.standardized_reward_weighted(
            logps,
            jnp.array([1.0, 5.0, 2.0, 0.0, 1.0]),
            ref,
            mean=3.5,
            std=1.0,
            shift=0.1,
            clip=2.0,
            taper=True,
            kl_coef=0.1,
        ).sum()

    value, gradient = jax.jit(jax.value_and_grad(total))(ref + ratios)
    assert np.isfinite(value) and np.isfinite(gradient).all()
    certain = jax.jit(jax.value_and_grad(lambda w: losses.orpo(w, jnp.full(2, -1e4)).sum()))
    value, gradient = certain(jnp.array([0.0, -1e-9]))
    assert np.isfinite(value) and np.isfinite(gradient).all()


@pytest.mark.parametrize("name", slow_but(ROW_BY_ROW, *(n for n in KINDS if n in ROW_BY_ROW)))
def test_a_rows_value_depends_on_that_row_only(name):
    """So micro-batches add up: the loss of part of a batch is that part of its loss."""
    made, given = columns(), options(name)
    whole = LOSSES[name](take(made, name), **given)
    rows = jnp.array([14, 3, 3, 9])
    np.testing.assert_allclose(
        LOSSES[name](take(made, name, rows), **given), whole[rows], rtol=1e-6
    )


@pytest.mark.parametrize("name", ["aot", "aot_unpaired"])
def test_sorting_losses_say_that_they_need_the_whole_batch(name):
    made, given = columns(), options(name)
    half = LOSSES[name](take(made, name, slice(8)), **given)
    assert abs(LOSSES[name](take(made, name), **given)[:8] - half).max() > 0.01
    order = np.random.default_rng(0).permutation(16)
    np.testing.assert_allclose(
        LOSSES[name](take(made, name, order), **given), LOSSES[name](take(made, name), **given)
    )


def test_length_normalized_is_the_loss_of_means():
    made = columns()
    means = {
        n: made[n] / made[n.removeprefix("ref_").replace("logps", "lengths")]
        for n in logp_names(LOSSES["rpo"])
    }
    found = LOSSES["rpo"](made, beta=0.1, alpha=1.0, length_normalized=True)
    np.testing.assert_allclose(found, losses.rpo(*means.values(), jnp.ones(16)), rtol=1e-6)
    assert "length_normalized" not in LOSSES["simpo"].options  # always


def test_per_context_is_swift():
    made = columns()
    found = LOSSES["standardized_reward_weighted"](made, per_context=True)
    np.testing.assert_array_equal(found, LOSSES["swift"](made))
    assert abs(found).max() > 1
