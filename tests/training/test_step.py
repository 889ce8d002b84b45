"""The train step on a real, very small Qwen3-VL: masks, reductions, meshes, overfitting."""

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
    ImageSettings,
    Inputs,
    Qwen3VL,
    Tokenizer,
    image_to_patches,
    load_pretrained,
    output_embedding,
)
from agentic_styling.planner.partition import shardings
from agentic_styling.training.batches import context_columns, gather
from agentic_styling.training.loop import reference_logps
from agentic_styling.training.mesh import batch_sharding, make_mesh
from agentic_styling.training.metrics import batch_metrics
from agentic_styling.training.state import create_state, decayed
from agentic_styling.training.step import (
    PlannerModel,
    completion_logps,
    join_rows,
    make_gradient,
    make_step,
    split_rows,
)

ROWS = np.array([0, 1, 4, 5])
STATISTICS = {"mean": 3.5, "std": 0.8}


@pytest.fixture(scope="module")
def planner(workplace):
    directory = workplace / "planner"
    config, params = load_pretrained(directory)
    model = PlannerModel(config, ImageSettings.load(directory))
    trajectories = [t for t in read_trajectories(workplace / "data") if t.split == "train"]
    training_set = build_training_set(trajectories, Tokenizer(directory), model.images)
    start = int(training_set.prompt_length.min()) - 1
    return SimpleNamespace(model=model, params=params, data=training_set, start=start)


@pytest.fixture(scope="module")
def logps(planner):
    """completion_logps, compiled once: (params, batch) -> logps [B]."""
    return jax.jit(lambda params, batch: completion_logps(planner.model, params, batch, 0))


def batch_of(planner, rows=ROWS, reference=None):
    zeros = np.zeros(len(planner.data.reward), np.float32)
    return gather(planner.data, rows, zeros if reference is None else reference)


def test_log_probabilities_are_of_the_completion_and_nothing_else(planner, logps):
    batch = batch_of(planner)

    @jax.jit
    def logits(params):
        patches, grids = image_to_patches(batch.images, planner.model.images)
        mask = jnp.arange(batch.tokens.shape[1]) < batch.length[:, None]
        inputs = Inputs(jnp.asarray(batch.tokens), mask, patches, grids)
        hidden = Qwen3VL(planner.model.config).apply({"params": params}, inputs)
        return hidden @ output_embedding(planner.model.config, params).T

    scores = np.asarray(logits(planner.params), np.float64)
    values = logps(planner.params, batch)
    for row in range(len(ROWS)):
        total = 0.0
        for place in range(batch.prompt_length[row], batch.length[row]):
            before = scores[row, place - 1]
            total += before[batch.tokens[row, place]] - np.logaddexp.reduce(before)
        np.testing.assert_allclose(values[row], total, rtol=1e-5)


def test_padding_does_not_matter_whatever_its_value(planner, logps):
    batch = batch_of(planner)
    values = logps(planner.params, batch)
    padding = np.arange(batch.tokens.shape[1]) >= batch.length[:, None]
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


@pytest.mark.parametrize("groups", [1, 2])
def test_rows_are_dealt_out_and_joined_again(groups):
    rows = jnp.arange(12)
    parts = split_rows(rows, 3, groups)
    assert parts.shape == (3, 4)
    np.testing.assert_array_equal(join_rows(parts, groups), rows)
    if groups == 2:  # the second half of every part holds the partners of the first
        np.testing.assert_array_equal(parts[:, :2] + 6, parts[:, 2:])


def test_metrics_by_hand():
    batch = SimpleNamespace(
        reward=jnp.array([5.0, 3.5, 2.0]),
        length=jnp.array([3, 4, 7]),
        prompt_length=jnp.array([1, 2, 4]),
    )
    kwargs = {"mean": 3.5, "std": 0.75, "clip": 1.5}  # weights 2, 0, -2
    sums = TokenStatistics(
        logps=jnp.array([-4.0, -6.0, -9.0]),
        entropy=jnp.array([1.0, 2.0, 4.0]),
        correct=jnp.array([2.0, 0.0, 3.0]),
    )
    found = batch_metrics("standardized_reward_weighted", kwargs, sums, batch)
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


def run_steps(planner, loss, sizes, steps, parts):
    """`steps` updates on one batch of eight rows, on a mesh; the metrics of each."""
    mesh = make_mesh(dict(zip(("data", "fsdp", "tensor"), sizes, strict=True)))
    model, optimizer = planner.model._replace(mesh=mesh), optax.adam(1e-2)
    state = create_state(planner.params, optimizer, mesh)
    reference, kwargs = np.zeros(len(planner.data.reward), np.float32), {}
    rows = np.array([0, 4] * 4)
    if loss == "dpo":
        rows = preference_pairs(planner.data)[:4].T.reshape(-1)
        args = (
            SimpleNamespace(batch_size=8, microbatches=parts),
            mesh,
            model,
            state.params,
            planner.data,
        )
        reference, kwargs = reference_logps(*args, rows, planner.start), {"beta": 0.1}
    gradient = make_gradient(model, loss, kwargs, LOSSES[loss].reductions[0], planner.start, parts)
    logged = functools.partial(batch_metrics, loss, kwargs)
    step = make_step(gradient, logged, optimizer, mesh, shardings(mesh, state))
    batch = jax.device_put(batch_of(planner, rows, reference), batch_sharding(mesh))
    metrics = []
    for _ in range(steps):
        state, values = step(state, batch)
        metrics.append(jax.device_get(values))
    assert int(state.step) == steps
    return metrics, state


@pytest.mark.parametrize(("loss", "steps"), [("standard", 60), ("dpo", 4)])
def test_one_device_and_eight_give_the_same_losses(planner, loss, steps):
    """And so do one batch and two micro-batches."""
    one, _ = run_steps(planner, loss, (1, 1, 1), steps, parts=1)
    eight, state = run_steps(planner, loss, (2, 2, 2), 4, parts=2)
    kernels = [x for x in jax.tree.leaves(state.params) if x.ndim == 3]
    assert any(x.addressable_shards[0].data.size * 4 == x.size for x in kernels)
    for a, b in zip(one, eight, strict=False):
        np.testing.assert_allclose(a["loss"], b["loss"], atol=1e-5)
        np.testing.assert_allclose(a["grad_norm"], b["grad_norm"], rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(a["entropy"], b["entropy"], rtol=1e-3)
        np.testing.assert_allclose(a["mean_token_accuracy"], b["mean_token_accuracy"], atol=0.02)
    if loss == "standard":
        assert one[-1]["loss"] < 0.2  # two rows are learnt by heart
        assert one[-1]["mean_token_accuracy"] > 0.95 > one[0]["mean_token_accuracy"]
    else:
        for first in (one[0], eight[0]):
            np.testing.assert_allclose(first["loss"], math.log(2), atol=1e-5)
        assert one[-1]["loss"] < 0.1
        assert one[-1]["rewards/margins"] > 0
        assert one[-1]["rewards/accuracies"] == 1.0


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
    mesh = make_mesh({"data": 1, "fsdp": 1, "tensor": 1})
    optimizer = optax.adam(1e-2)
    state = create_state(planner.params, optimizer, mesh)
    kwargs = dict(LOSSES[loss].options)
    if "statistics" in LOSSES[loss].needs:
        kwargs |= {name: STATISTICS[name] for name in LOSSES[loss].statistics}
    context = context_columns(planner.data)
    rows = np.array([0, 1, 2, 4])
    if "pairs" in LOSSES[loss].needs:
        rows = preference_pairs(planner.data)[:2].T.reshape(-1)
    reference = np.full(len(context), -200.0, np.float32)
    batch = gather(planner.data, rows, reference, context)
    gradient = make_gradient(
        planner.model, loss, kwargs, LOSSES[loss].reductions[0], planner.start, 2
    )
    logged = functools.partial(batch_metrics, loss, kwargs)
    step = make_step(gradient, logged, optimizer, mesh, shardings(mesh, state))
    losses = []
    for _ in range(3):
        state, values = step(state, jax.device_put(batch, batch_sharding(mesh)))
        # -p * log p of a token may grow with p: there the NLL tells.
        losses.append(float(values["nll" if loss == "dft" else "loss"]))
    assert np.isfinite(losses).all()
    if loss == "released_code":  # the sum of its signed weights may be of either sign
        assert losses[-1] != losses[0]
    else:
        assert losses[-1] < losses[0]
