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

from agentic_styling.data import read_trajectories
from agentic_styling.data.training_set import build_training_set, preference_pairs
from agentic_styling.losses import LOSSES, REDUCTIONS, Loss, TokenStatistics
from agentic_styling.losses.table import REWARDS
from agentic_styling.losses.weights import as_floats
from agentic_styling.planner import (
    Compute,
    ImageSettings,
    Inputs,
    LoraConfig,
    Qwen3VL,
    Tokenizer,
    image_to_patches,
    init_lora,
    load_pretrained,
    output_embedding,
)
from agentic_styling.planner.partition import shardings
from agentic_styling.training.batches import (
    Assembler,
    batch_shardings,
    context_columns,
    deal,
)
from agentic_styling.training.feed import put
from agentic_styling.training.loop import reference_logps
from agentic_styling.training.mesh import AXES, make_mesh
from agentic_styling.training.metrics import batch_metrics
from agentic_styling.training.packing import Layout
from agentic_styling.training.state import Health, create_state, decayed, make_state, stored_as
from agentic_styling.training.step import (
    Columns,
    PlannerModel,
    completion_logps,
    join,
    make_gradient,
    make_step,
)

ROWS = np.array([0, 1, 4, 5])
STATISTICS = {"mean": 3.5, "std": 0.8}
LORA = LoraConfig(rank=4, alpha=8.0)


@pytest.fixture(scope="module")
def planner(workplace):
    directory = workplace / "planner"
    config, params = load_pretrained(directory)
    mesh = make_mesh({"data": 1})
    model = PlannerModel(config, ImageSettings.load(directory), mesh)
    trajectories = [t for t in read_trajectories(workplace / "data") if t.split == "train"]
    training_set = build_training_set(trajectories, Tokenizer(directory), model.images)
    start = int(training_set.prompt_length.min()) - 1
    return SimpleNamespace(
        model=model._replace(start=start), params=params, data=training_set, start=start
    )


@pytest.fixture(scope="module")
def logps(planner):
    """completion_logps, compiled once: (params, batch) -> logps [B]."""
    model = planner.model._replace(start=0)

    @jax.jit
    def found(params, batch):
        return completion_logps(model, params, {}, jax.tree.map(lambda x: x[0], batch))

    return found


def batch_of(
    planner, rows=ROWS, reference=None, *, parts=1, pair=1, packed=None, lengths=(), **columns
):
    """A batch of these rows, each in a row of its own, or `packed` rows of twice the length.

    lengths: of rows, like ones of which go together.
    """
    length = planner.data.tokens.shape[1]
    layout = Layout(packed, (2 * length,), 3) if packed else Layout(1, lengths or (length,), 1)
    made = Assembler(planner.data, layout, reference=reference, **columns)
    return made(deal(rows, parts, pair, planner.data.length if lengths else None))


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
def test_what_is_dealt_is_joined_again(pair):
    rows = np.arange(12)
    dealt = deal(rows, 3, pair)
    joined = np.asarray(join(jnp.asarray(dealt), pair))
    assert sorted(joined) == list(rows)
    if pair == 2:  # the second half holds the partners of the first, of the parts and of all
        np.testing.assert_array_equal(dealt[:, :2] + 1, dealt[:, 2:])
        np.testing.assert_array_equal(joined[:6] + 1, joined[6:])


def test_metrics_by_hand():
    of = Columns(
        length=jnp.array([2, 2, 3]),
        reward=jnp.array([5.0, 3.5, 2.0]),
        reference=jnp.zeros(3),
        context=jnp.zeros((3, 3)),
    )
    kwargs = {"mean": 3.5, "std": 0.75, "clip": 1.5}  # weights 2, 0, -2
    sums = TokenStatistics(
        logps=jnp.array([-4.0, -6.0, -9.0]),
        entropy=jnp.array([1.0, 2.0, 4.0]),
        correct=jnp.array([2.0, 0.0, 3.0]),
    )
    found = batch_metrics("standardized_reward_weighted", kwargs, sums, of)
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


def test_decay_spares_norms_and_biases(planner):
    tree = jax.tree_util.tree_leaves_with_path(decayed(planner.params))
    spared = {path[-1].key for path, decay in tree if not decay}
    assert spared == {"scale", "bias"}
    assert {path[-1].key for path, decay in tree if decay} == {"kernel", "embedding"}


def start(planner, model, optimizer, *, ema=False):
    """The first state, what is frozen, and the shardings of both."""
    trained, frozen = planner.params, {}
    if model.lora:
        trained = init_lora(model.config, model.lora, jax.random.key(1))
        frozen = planner.params
    make = functools.partial(make_state, optimizer=optimizer, ema=ema)
    layout = shardings(model.mesh, jax.eval_shape(make, trained))
    frozen_layout = shardings(model.mesh, frozen)
    state = create_state(trained, make, layout)
    return state, jax.device_put(frozen, frozen_layout), (layout, frozen_layout)


def short_and_long(planner, rows, pair) -> tuple[int, int]:
    """Two lengths of rows: what the shorter half of the examples needs, and the longest."""
    needed = np.sort(planner.data.length[rows].reshape(-1, pair).max(axis=1))
    return int(needed[len(needed) // 2 - 1]), planner.data.tokens.shape[1]


def run_steps(
    planner, loss, sizes, steps, parts, *, lora=None, packed=None, buckets=False, **options
):
    """`steps` updates on one batch of eight rows, on a mesh; the metrics of each."""
    mesh = make_mesh(dict(zip(AXES, sizes, strict=True)))
    model = planner.model._replace(mesh=mesh, lora=lora, packed=bool(packed))
    if mesh.shape["context"] > 1:
        model = model._replace(start=0)
    optimizer = optax.adam(1e-2)
    state, frozen, layouts = start(planner, model, optimizer)
    reference, kwargs, pair = np.zeros(len(planner.data.reward), np.float32), {}, 1
    rows = np.array([0, 4] * 4)
    if loss == "dpo":
        rows, pair, kwargs = preference_pairs(planner.data)[:4].reshape(-1), 2, {"beta": 0.1}
        config = SimpleNamespace(batch_size=8, microbatches=parts)
        blank = Assembler(planner.data, Layout(1, (planner.data.tokens.shape[1],), 1))
        alone = model._replace(packed=False)
        reference = reference_logps(config, alone, state.params, frozen, blank, rows)
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
    def run(loss, lora, steps):
        return run_steps(planner, loss, (1, 1, 1, 1), steps, 1, lora=lora)[0]

    return run


@pytest.mark.parametrize(
    ("loss", "lora", "sizes", "rows"),
    [
        ("standard", None, (1, 2, 2, 2), {"packed": 2}),
        ("standard", LORA, (2, 4, 1, 1), {"packed": 8}),
        ("dpo", None, (2, 2, 1, 2), {"buckets": True}),
    ],
)
def test_one_device_and_eight_give_the_same_losses(planner, alone, loss, lora, sizes, rows):
    """And so do one batch and two micro-batches, rows of one example, of several and cut short.

    `experiments/check_meshes.py` tries every mesh.
    """
    one = alone(loss, lora, 60 if loss == "standard" and not lora else 4)
    eight, state = run_steps(planner, loss, sizes, 4, 2, lora=lora, **rows)
    assert_same_curves(one, eight)
    kernels = [x for x in jax.tree.leaves(state.params) if x.ndim == 3]
    assert any(x.addressable_shards[0].data.size < x.size for x in kernels)
    if loss == "dpo":
        for first in (one[0], eight[0]):
            np.testing.assert_allclose(first["loss"], math.log(2), atol=1e-5)


def test_two_rows_are_learnt_by_heart(alone):
    one = alone("standard", None, 60)
    assert one[-1]["loss"] < 0.2
    assert one[-1]["mean_token_accuracy"] > 0.95 > one[0]["mean_token_accuracy"]


def test_dpo_tells_the_chosen_from_the_rejected(alone):
    last = alone("dpo", None, 4)[-1]
    assert last["loss"] < 0.1
    assert last["rewards/margins"] > 0
    assert last["rewards/accuracies"] == 1.0


def test_a_reference_made_by_the_model_without_its_adapters_is_the_stored_one(planner, alone):
    found, _ = run_steps(planner, "dpo", (1, 1, 1, 1), 4, 2, lora=LORA, adapter_off=True)
    assert_same_curves(alone("dpo", LORA, 4), found)


def test_adapters_alone_change(planner):
    model = planner.model._replace(lora=LORA)
    state, frozen, _ = start(planner, model, optax.adam(1e-2))
    names = {path[-1].key for path, _ in jax.tree_util.tree_leaves_with_path(state.params)}
    assert names == {"a", "b"}
    assert jax.tree.structure(frozen) == jax.tree.structure(planner.params)


def test_dropout_is_by_the_key_and_another_one_by_another(planner):
    lora = LoraConfig(rank=4, alpha=8.0, dropout=0.5)
    model = planner.model._replace(lora=lora, compute=Compute(lora_dropout=0.5))
    trained = init_lora(model.config, lora, jax.random.key(1))
    trained = jax.tree.map(lambda x: x + 0.1, trained)  # b begins at zero, where nothing drops
    batch = jax.tree.map(jnp.asarray, batch_of(planner))
    loss = jax.jit(make_gradient(model, "standard", {}, "token-mean"))
    values = [float(loss(trained, planner.params, batch, jax.random.key(k))[0]) for k in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


def state_of(planner, ema=False):
    optimizer = optax.adam(1e-2)
    state, frozen, layouts = start(planner, planner.model, optimizer, ema=ema)
    batch_layout = batch_shardings(planner.model.mesh, pictures=True)
    return state, frozen, optimizer, (*layouts, batch_layout)


def fake_gradient(params, frozen, batch, key):
    """The loss is the first reward and so is every gradient."""
    value = batch.reward[0, 0]
    zero = jnp.zeros(batch.reward.size)
    grads = jax.tree.map(lambda x: jnp.full_like(x, value), params)
    return value, grads, TokenStatistics(zero, zero, zero), None


@pytest.fixture(scope="module")
def fake_run(planner):
    """(losses, **options of make_step) -> the state and metrics after each step."""

    def run(values, **options):
        state, frozen, optimizer, layouts = state_of(planner, ema=bool(options.get("ema_decay")))
        step = make_step(fake_gradient, lambda *_: {}, optimizer, *layouts, **options)
        found = []
        for value in values:
            batch = batch_of(planner)
            batch = batch.replace(reward=np.full_like(batch.reward, value))
            state, metrics = step(state, frozen, put(batch, layouts[2]))
            found.append((jax.device_get(state), jax.device_get(metrics)))
        return found

    return run


def leaf(state):
    return np.asarray(state.params["language_model"]["norm"]["scale"])[0]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_update_that_is_not_finite_is_skipped_and_counted(fake_run, bad):
    (good, _), (skipped, metrics), (after, last) = fake_run([1.0, bad, 1.0])
    for name in ("params", "opt_state"):
        same = jax.tree.map(np.array_equal, getattr(good, name), getattr(skipped, name))
        assert all(jax.tree.leaves(same))
    assert (metrics["skipped"], last["skipped"]) == (1, 1)
    assert int(skipped.step) == 2
    assert leaf(after) < leaf(skipped)


def test_a_spike_is_skipped_once_the_usual_norm_is_known(fake_run):
    found = fake_run([9.0] + [1.0] * 20 + [9.0, 1.0], spike=4.0)
    assert [int(metrics["skipped"]) for _, metrics in found] == [0] * 21 + [1, 1]
    assert int(fake_run([1.0] * 21 + [9.0])[-1][1]["skipped"]) == 0  # unless asked for


def test_health_by_hand():
    health = Health.new()
    for norm in (2.0, 4.0):
        good, health = health.after(jnp.ones(()), jnp.float32(norm), 0.0)
        assert bool(good)
    assert (float(health.grad_norm), int(health.good)) == (3.0, 2)


def test_the_moving_average_by_hand(fake_run):
    (first, _), (second, _) = fake_run([1.0, 1.0], ema_decay=0.75)
    mean = 0.75 * (0.75 * 1.0 + 0.25 * leaf(first)) + 0.25 * leaf(second)
    found = second.ema["language_model"]["norm"]["scale"][0]
    np.testing.assert_allclose(found, mean, rtol=1e-6)
    assert found != leaf(second)


def test_moments_are_stored_in_another_dtype():
    params = {"x": jnp.ones(3)}
    optimizer = stored_as(optax.adam(1e-2), jnp.bfloat16)
    state = optimizer.init(params)
    updates, state = jax.jit(optimizer.update)({"x": jnp.full(3, 0.3)}, state, params)
    assert {x.dtype for x in jax.tree.leaves(state) if x.ndim} == {jnp.dtype(jnp.bfloat16)}
    assert updates["x"].dtype == jnp.float32
    np.testing.assert_allclose(updates["x"], -1e-2, rtol=1e-3)


def loss_of_contributing() -> dict[str, Loss]:
    """The row that CONTRIBUTING.md adds to the table: its function and its line, as they stand."""
    text = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    function, row = code.split('\n"', 1)
    scope = {"jnp": jnp, "as_floats": as_floats, "Loss": Loss, "REWARDS": REWARDS}
    exec(function, scope)
    return eval('{"' + row + "}", scope)


FAMILIES = ["swift", "topr", "rpo", "simpo", "dft", "released_code", "clipped"]


@pytest.mark.parametrize("loss", FAMILIES)
def test_every_family_trains(planner, loss, monkeypatch):
    """`clipped` is a loss that somebody adds: one function and one row."""
    if loss == "clipped":
        (added,) = loss_of_contributing().items()
        monkeypatch.setitem(LOSSES, *added)
    needs = LOSSES[loss].needs
    every_token = "every_token" in needs
    model = planner.model._replace(start=0) if every_token else planner.model
    state, frozen, optimizer, layouts = state_of(planner)
    kwargs = dict(LOSSES[loss].options)
    if "statistics" in needs:
        kwargs |= {name: STATISTICS[name] for name in LOSSES[loss].statistics}
    context = context_columns(planner.data)
    rows, pair = np.array([0, 1, 2, 4]), 1
    if "pairs" in needs:
        rows, pair = preference_pairs(planner.data)[:2].reshape(-1), 2
    reference = np.full(len(context), -200.0, np.float32)
    batch = batch_of(
        planner, rows, reference, parts=2, pair=pair, context=context, every_token=every_token
    )
    gradient = make_gradient(model, loss, kwargs, LOSSES[loss].reductions[0])
    logged = functools.partial(batch_metrics, loss, kwargs)
    step = make_step(gradient, logged, optimizer, *layouts)
    losses = []
    for _ in range(3):
        state, values = step(state, frozen, put(batch, layouts[2]))
        # -p * log p of a token may grow with p: there the NLL tells.
        losses.append(float(values["nll" if loss == "dft" else "loss"]))
    assert np.isfinite(losses).all()
    if loss == "released_code":  # the sum of its signed weights may be of either sign
        assert losses[-1] != losses[0]
    else:
        assert losses[-1] < losses[0]
