"""The train step on a real, very small Qwen3-VL: masks, packing, adapters, meshes, overfitting."""

import functools
import math
import re
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from agentic_styling.data.storage.training_set import preference_pairs
from agentic_styling.losses import LOSSES, REDUCTIONS, Loss, TokenStatistics
from agentic_styling.losses.table import REWARDS
from agentic_styling.losses.weights import as_floats
from agentic_styling.planner import (
    Compute,
    Inputs,
    LoraConfig,
    Qwen3VL,
    image_to_patches,
    init_lora,
    output_embedding,
)
from agentic_styling.training import default_config
from agentic_styling.training.batches.batches import (
    Assembler,
    batch_shardings,
    split_microbatches,
)
from agentic_styling.training.batches.data_iterator import put
from agentic_styling.training.batches.packing import Layout
from agentic_styling.training.logps import RowLogps
from agentic_styling.training.mesh import AXES, make_mesh
from agentic_styling.training.state import make_optimizer
from agentic_styling.training.step import (
    batch_metrics,
    completion_logps,
    make_gradient,
    make_step,
)
from tests.slow import slow_but
from tests.training.fixtures import ROWS, batch_of, start, state_of

STATISTICS = {"mean": 3.5, "std": 0.8}
LORA = LoraConfig(rank=4, alpha=8.0)
MUON = default_config()
MUON.update(optimizer="muon", warmup_steps=0)


@pytest.fixture(scope="module")
def logps(planner):
    """completion_logps, compiled once: (params, batch) -> logps [B]."""
    model = planner.model._replace(start=0)

    @jax.jit
    def found(params, batch):
        return completion_logps(model, params, {}, jax.tree.map(lambda x: x[0], batch))

    return found


def test_log_probabilities_are_of_the_completion_and_nothing_else(planner, logps):
    batch = batch_of(planner)
    tokens, length = planner.data.tokens[ROWS], planner.data.length[ROWS]

    @jax.jit
    def logits(params):
        patches, grids = image_to_patches(batch.images[0, :, 0], planner.model.images)
        mask = jnp.arange(tokens.shape[1]) < length[:, None]
        inputs = Inputs(jnp.asarray(tokens), mask, patches, grids)
        hidden = Qwen3VL(planner.model.config).apply({"params": params}, inputs)
        return hidden @ output_embedding(planner.model.config, params).T

    scores = np.asarray(logits(planner.params), np.float64)
    values = logps(planner.params, batch)
    for row in range(len(ROWS)):
        total = 0.0
        for place in range(planner.data.prompt_length[ROWS[row]], length[row]):
            before = scores[row, place - 1]
            total += before[tokens[row, place]] - np.logaddexp.reduce(before)
        np.testing.assert_allclose(values[row], total, rtol=1e-5)


def test_padding_does_not_matter_whatever_its_value(planner, logps):
    batch = batch_of(planner)
    values = logps(planner.params, batch)
    padding = batch.segments == 0
    assert padding.any()
    image = planner.model.config.image_token_id
    for token in (7, image):
        other = batch.replace(tokens=np.where(padding, token, batch.tokens).astype(np.int32))
        np.testing.assert_array_equal(logps(planner.params, other), values)


def test_pictures_matter(planner, logps):
    batch = batch_of(planner)
    values = logps(planner.params, batch)
    shuffled = logps(planner.params, batch.replace(images=255 - batch.images))
    assert (np.asarray(values) != np.asarray(shuffled)).all()


def test_reductions_by_hand():
    values, counts = jnp.array([6.0, -2.0]), jnp.array([3, 1])
    expected = {"token-mean": 1.0, "seq-mean-token-sum": 2.0, "seq-mean-token-mean": 0.0}
    assert {n: float((values * f(counts)).sum()) for n, f in REDUCTIONS.items()} == expected


@pytest.mark.parametrize("pair", [1, 2])
def test_micro_batches_hold_every_row_once_and_pairs_in_halves(pair):
    rows = np.arange(12)
    split = split_microbatches(rows, 3, pair)
    assert sorted(split.reshape(-1)) == list(rows)
    if pair == 2:  # the second half of each holds the partners of the first
        np.testing.assert_array_equal(split[:, :2] + 1, split[:, 2:])


def test_online_metrics_are_means_over_the_tokens_that_count():
    batch = SimpleNamespace(length=jnp.array([4, 0]), reward=jnp.array([5.0, 1.0]))
    sums = TokenStatistics(jnp.array([-2.0, 0]), jnp.array([1.0, 0]), jnp.array([1.0, 0]))
    online = {"sampler_gap": jnp.array([0.25, 0.5]), "counted": jnp.array([2, 0])}
    online["ratio"] = jnp.array([2.5, 0.0])
    found = batch_metrics("grpo", {}, batch, sums, {}, online)
    assert {name: float(value) for name, value in found.items()} == {
        "nll": 1.0, "entropy": 0.5, "mean_token_accuracy": 0.5, "reward": 3.0,
        "sampler_gap": 0.5, "ratio": 1.25,
    }  # fmt: skip


def test_metrics_by_hand():
    lengths, rewards = jnp.array([2, 2, 3]), jnp.array([5.0, 3.5, 2.0])
    batch = SimpleNamespace(length=lengths, reward=rewards)
    kwargs = {"mean": 3.5, "std": 0.75, "clip": 1.5}  # weights 2, 0, -2
    sums = TokenStatistics(
        logps=jnp.array([-4.0, -6.0, -9.0]),
        entropy=jnp.array([1.0, 2.0, 4.0]),
        correct=jnp.array([2.0, 0.0, 3.0]),
    )
    columns = {"logps": sums.logps, "rewards": rewards, "lengths": lengths}
    found = batch_metrics("standardized_reward_weighted", kwargs, batch, sums, columns, {})
    assert {name: round(float(value), 6) for name, value in found.items()} == {
        "nll": round(19 / 7, 6),
        "entropy": 1.0,
        "mean_token_accuracy": round(5 / 7, 6),
        "reward": 3.5,
        "effective_sample_size": 2.0,
        "clipped_weights": round(2 / 3, 6),
        "nll_positive": 2.0,
        "nll_negative": 3.0,
    }


def short_and_long(planner, rows, pair) -> tuple[int, int]:
    """Two lengths of rows: what the shorter half of the examples needs, and the longest."""
    needed = np.sort(planner.data.length[rows].reshape(-1, pair).max(axis=1))
    return int(needed[len(needed) // 2 - 1]), planner.data.tokens.shape[1]


def run_steps(
    planner, loss, sizes, steps, parts, *, lora=None, packed=None, buckets=False, muon=False,
    **options,
):  # fmt: skip
    """`steps` updates on one batch of eight rows, on a mesh; the metrics of each."""
    mesh = make_mesh(dict(zip(AXES, sizes, strict=True)))
    model = planner.model._replace(mesh=mesh, lora=lora, packed=bool(packed))
    if mesh.shape["context"] > 1:
        model = model._replace(start=0)
    optimizer = make_optimizer(MUON) if muon else optax.adam(1e-2)
    state, frozen, layouts = start(planner, model, optimizer)
    reference, kwargs, pair = np.zeros(len(planner.data.reward), np.float32), {}, 1
    rows = np.array([0, 4] * 4)
    if loss == "dpo":
        rows, pair, kwargs = preference_pairs(planner.data)[:4].reshape(-1), 2, {"beta": 0.1}
        blank = Assembler(planner.data, Layout(1, (planner.data.tokens.shape[1],), 1))
        logps = RowLogps(model._replace(packed=False), blank, 8 // parts)
        reference = logps.all(state.params, frozen, np.unique(rows))
        if options.get("adapter_off"):  # what is stored must not be read
            reference = np.full_like(reference, np.nan)
    if buckets:
        model = model._replace(lengths=short_and_long(planner, rows, pair))
    gradient = make_gradient(
        model, loss, kwargs, LOSSES[loss].reductions[0], adapter_off=options.pop("adapter_off", 0)
    )
    logged = functools.partial(batch_metrics, loss, kwargs)
    batch_layout = batch_shardings(mesh, pictures=True)
    step = make_step(gradient, logged, optimizer, *layouts, batch_layout, **options)
    batch = batch_of(
        planner, rows, reference, parts=parts, pair=pair, packed=packed, lengths=model.lengths
    )
    assert batch.bucket.tolist() == ([0, 1] if buckets else [0] * parts)
    batch = put(batch, batch_layout)
    metrics = []
    for _ in range(steps):
        state, values = step(state, frozen, batch)
        metrics.append(jax.device_get(values))
    assert int(state.step) == steps
    return metrics, state


def assert_same_curves(one, other):
    for a, b in zip(one, other, strict=False):
        np.testing.assert_allclose(a["loss"], b["loss"], atol=1e-5)
        np.testing.assert_allclose(a["grad_norm"], b["grad_norm"], rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(a["entropy"], b["entropy"], rtol=1e-3)
        np.testing.assert_allclose(a["mean_token_accuracy"], b["mean_token_accuracy"], atol=0.02)


@pytest.fixture(scope="module")
def alone(planner):
    """The metrics of one device by loss and adapters."""

    @functools.lru_cache
    def run(loss, lora, steps, muon=False):
        return run_steps(planner, loss, (1, 1, 1, 1), steps, 1, lora=lora, muon=muon)[0]

    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("loss", "lora", "sizes", "rows"),
    [
        ("standard", None, (1, 2, 2, 2), {"packed": 2}),
        ("standard", LORA, (2, 4, 1, 1), {"packed": 8}),
        ("dpo", None, (2, 2, 1, 2), {"buckets": True}),
        ("standard", None, (2, 2, 1, 2), {"muon": True}),
    ],
)
def test_one_device_and_eight_give_the_same_losses(planner, alone, loss, lora, sizes, rows):
    """And so do one batch and two micro-batches, rows of one example, of several and cut short.

    `experiments/check_meshes.py` tries every mesh.
    """
    one = alone(loss, lora, 4, rows.get("muon", False))
    eight, state = run_steps(planner, loss, sizes, 4, 2, lora=lora, **rows)
    assert_same_curves(one, eight)
    kernels = [x for x in jax.tree.leaves(state.params) if x.ndim == 3]
    assert any(x.addressable_shards[0].data.size < x.size for x in kernels)
    if loss == "dpo":
        for first in (one[0], eight[0]):
            np.testing.assert_allclose(first["loss"], math.log(2), atol=1e-5)


@pytest.mark.slow
def test_two_rows_are_learnt_by_heart(alone):
    one = alone("standard", None, 60)
    assert one[-1]["loss"] < 0.2
    assert one[-1]["mean_token_accuracy"] > 0.95 > one[0]["mean_token_accuracy"]


@pytest.mark.slow
def test_dpo_tells_the_chosen_from_the_rejected(alone):
    last = alone("dpo", None, 4)[-1]
    assert last["loss"] < 0.1
    assert last["rewards/margins"] > 0
    assert last["rewards/accuracies"] == 1.0


@pytest.mark.slow
def test_a_reference_made_by_the_model_without_its_adapters_is_the_stored_one(planner, alone):
    found, _ = run_steps(planner, "dpo", (1, 1, 1, 1), 4, 2, lora=LORA, adapter_off=True)
    assert_same_curves(alone("dpo", LORA, 4), found)


def test_adapters_alone_change(planner):
    model = planner.model._replace(lora=LORA)
    state, frozen, _ = start(planner, model, optax.adam(1e-2))
    names = {path[-1].key for path, _ in jax.tree_util.tree_leaves_with_path(state.params)}
    assert names == {"a", "b"}
    assert jax.tree.structure(frozen) == jax.tree.structure(planner.params)


@pytest.mark.slow
def test_dropout_is_by_the_key_and_another_one_by_another(planner):
    lora = LoraConfig(rank=4, alpha=8.0, dropout=0.5)
    model = planner.model._replace(lora=lora, compute=Compute(lora_dropout=0.5))
    trained = init_lora(model.config, lora, jax.random.key(1))
    trained = jax.tree.map(lambda x: x + 0.1, trained)  # b begins at zero, where nothing drops
    batch = jax.tree.map(jnp.asarray, batch_of(planner))
    loss = jax.jit(make_gradient(model, "standard", {}, "token-mean"))
    values = [float(loss(trained, planner.params, batch, jax.random.key(k))[0]) for k in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


def loss_of_contributing() -> dict[str, Loss]:
    """The row that CONTRIBUTING.md adds to the table: its function and its line, as they stand."""
    text = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    function, row = code.split('\n"', 1)
    scope = {"jnp": jnp, "as_floats": as_floats, "Loss": Loss, "REWARDS": REWARDS}
    exec(function, scope)
    return eval('{"' + row + "}", scope)


FAMILIES = ["swift", "topr", "qrpo", "rpo", "simpo", "dft", "released_code", "clipped"]


@pytest.mark.parametrize("loss", slow_but(FAMILIES, "clipped"))
def test_every_family_trains(planner, loss, monkeypatch):
    """On text alone. `clipped` is a loss that somebody adds: one function and one row."""
    if loss == "clipped":
        (added,) = loss_of_contributing().items()
        monkeypatch.setitem(LOSSES, *added)
    needs = LOSSES[loss].needs
    every_token = "every_token" in needs
    model = planner.model._replace(start=0) if every_token else planner.model
    state, frozen, optimizer, (*layouts, _) = state_of(planner)
    batch_layout = batch_shardings(model.mesh, pictures=False)
    kwargs = dict(LOSSES[loss].options)
    if "statistics" in needs:
        kwargs |= {name: STATISTICS[name] for name in LOSSES[loss].statistics}
    rows, pair = np.array([0, 1, 2, 4]), 1
    if "pairs" in needs:
        rows, pair = preference_pairs(planner.data)[:2].reshape(-1), 2
    reference = np.full(len(planner.data.reward), -200.0, np.float32)
    batch = batch_of(planner, rows, reference, parts=2, pair=pair, every_token=every_token)
    batch = put(batch.replace(images=None), batch_layout)
    gradient = make_gradient(model, loss, kwargs, LOSSES[loss].reductions[0])
    logged = functools.partial(batch_metrics, loss, kwargs)
    step = make_step(gradient, logged, optimizer, *layouts, batch_layout)
    losses = []
    for _ in range(3):
        state, values = step(state, frozen, batch)
        # -p * log p of a token may grow with p: there the NLL tells.
        losses.append(float(values["nll" if loss == "dft" else "loss"]))
    assert np.isfinite(losses).all()
    if loss == "released_code":  # the sum of its signed weights may be of either sign
        assert losses[-1] != losses[0]
    else:
        assert losses[-1] < losses[0]
