"""Values and gradients against other packages' (goldens/*.json, by make_goldens.py): float64 to
1e-10, float32 to 1e-5."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling import losses
from agentic_styling.losses import LOSSES
from tests.slow import slow

GOLDENS = {
    path.stem: json.loads(path.read_text())
    for path in sorted((Path(__file__).parent / "goldens").glob("*.json"))
}
PRECISIONS = {"float64": 1e-10, "float32": 1e-5}


@pytest.fixture(params=["float64", slow("float32")])
def precision(request):
    """The dtype and its tolerance; float64 is on for the test alone."""
    with jax.enable_x64(request.param == "float64"):
        yield jnp.dtype(request.param), PRECISIONS[request.param]


def close(ours, theirs, tolerance):
    """Relative to each number, and to the largest of its array, as a sum's rounding is."""
    theirs = np.asarray(theirs, np.float64)
    np.testing.assert_allclose(
        np.asarray(ours, np.float64), theirs, rtol=tolerance, atol=tolerance * abs(theirs).max()
    )


def arrays(tree, dtype):
    """Numbers and lists of them as arrays; bools, which are static, as they are."""
    return {k: v if isinstance(v, bool) else jnp.asarray(v, dtype) for k, v in tree.items()}


def cases(*names):
    return [
        pytest.param(name, case, id=f"{name}-{index}-{next(iter(case.values()))}")
        for name in names
        for index, case in enumerate(GOLDENS[name]["cases"])
    ]


@pytest.mark.parametrize(("name", "case"), cases("trl_0_24", "formulas"))
def test_losses_of_rows(precision, name, case):
    dtype, tolerance = precision
    inputs, options = GOLDENS[name]["inputs"], arrays(case["options"], dtype)
    columns = arrays({k: inputs[k] for k in case["columns"]}, dtype)
    if "kl" in case:
        options["kl"] = losses.kto_kl(*(jnp.asarray(inputs[k], dtype) for k in case["kl"]))

    def total(moving):
        values = LOSSES[case["loss"]](columns | moving, **options)
        return values.sum(), values

    moving = {k: columns[k] for k in case["gradients"]}
    gradients, values = jax.grad(total, has_aux=True)(moving)
    assert values.dtype == dtype
    close(values, case["values"], tolerance)
    for column, expected in case["gradients"].items():
        close(gradients[column], expected, tolerance)


def completions(inputs, rows=slice(None)):
    tokens, mask = (jnp.array(inputs[k])[rows, 1:] for k in ("tokens", "completion"))
    return tokens, mask.astype(bool)


@jax.jit
def row_logps(logits, labels, mask):
    """token_logps of logits: hidden states, with the identity for the vocabulary projection."""
    identity = jnp.eye(logits.shape[-1], dtype=logits.dtype)
    return losses.token_logps(logits[:, :-1], identity, labels, mask, block=2)


@jax.jit
def pull_back(logits, labels, mask, cotangent):
    """The gradient by logits from that by token_logps: one program for all losses."""
    return jax.vjp(lambda logits: row_logps(logits, labels, mask), logits)[1](cotangent)[0]


def pair_columns(logps, ref_logps, mask):
    names = {"logps": logps, "ref_logps": ref_logps, "lengths": mask.sum(axis=1)}
    columns = {}
    for name, values in names.items():
        prefix = "ref_" if name.startswith("ref_") else ""
        chosen, rejected = jnp.split(values, 2)
        columns |= {f"{prefix}chosen_{name.removeprefix('ref_')}": chosen}
        columns |= {f"{prefix}rejected_{name.removeprefix('ref_')}": rejected}
    return columns


@pytest.mark.parametrize(("name", "case"), cases("trl_1_9"))
def test_losses_of_logits(precision, name, case):
    """Shift, mask, end of text, reduction over pairs and the names of metrics are trl's."""
    dtype, tolerance = precision
    inputs = GOLDENS[name]["inputs"]
    rows = jnp.array(case.get("rows", [0, 1, 2, 3]))
    logits = jnp.asarray(inputs["logits"], dtype)[rows]
    ref_logps = jnp.asarray(inputs["ref_logps"], dtype)[rows]
    if case["loss"] == "exo_pair":  # trl 1.9 takes the labels' logarithms in float32
        tolerance = max(tolerance, 1e-7)
    loss, options = LOSSES[case["loss"]], arrays(case.get("options", {}), dtype)

    labels, mask = completions(inputs, rows)

    def total(tokens):
        if "tokens" in loss.needs:
            values = loss({"token_logps": tokens, "mask": mask})
            return values.sum(), (values, {})
        columns = pair_columns(tokens.sum(axis=1), ref_logps, mask)
        return loss(columns, **options).mean(), (None, loss.diagnostics(columns, **options))

    tokens = row_logps(logits, labels, mask)
    (value, (values, found)), by_tokens = jax.value_and_grad(total, has_aux=True)(tokens)
    if values is None:
        close(value, case["value"], tolerance)
    else:
        close(values, case["values"], tolerance)
    if "gradient" in case:
        close(pull_back(logits, labels, mask, by_tokens), case["gradient"], tolerance)
    # trl's rewards are of sums also where the loss is of means.
    for metric, expected in case.get("metrics", {}).items():
        if "length_normalized" not in options:
            close(found[metric], expected, tolerance)


@jax.jit
def state_logps(hidden, embedding, labels, mask):
    return losses.token_logps(hidden[:, :-1], embedding, labels, mask)


@jax.jit
def pull_back_states(hidden, embedding, labels, mask, cotangent):
    return jax.vjp(lambda h, e: state_logps(h, e, labels, mask), hidden, embedding)[1](cotangent)


def some(cases):
    """Every fourth case; the others are slow."""
    return [
        case if index % 4 == 0 else pytest.param(*case.values, id=case.id, marks=pytest.mark.slow)
        for index, case in enumerate(cases)
    ]


@pytest.mark.parametrize(("name", "case"), some(cases("liger")))
def test_losses_of_hidden_states_in_chunks(name, case):
    """Liger's log-softmax is float32, so float32 is compared."""
    inputs = GOLDENS[name]["inputs"]
    labels, mask = completions(inputs)
    states = {
        k: jnp.array(inputs[k], jnp.float32)
        for k in ("hidden", "embedding", "ref_hidden", "ref_embedding")
    }

    def total(tokens):
        columns = pair_columns(tokens.sum(axis=1), reference.sum(axis=1), mask)
        return LOSSES[case["loss"]](columns, **case["options"]).mean()

    reference = state_logps(states["ref_hidden"], states["ref_embedding"], labels, mask)
    moving = (states["hidden"], states["embedding"])
    value, by_tokens = jax.value_and_grad(total)(state_logps(*moving, labels, mask))
    hidden, embedding = pull_back_states(*moving, labels, mask, by_tokens)
    close(value, case["value"], 1e-5)
    close(hidden[:, :-1], case["gradients"]["hidden"], 1e-5)
    close(embedding, case["gradients"]["embedding"], 1e-5)


@pytest.mark.parametrize(("name", "case"), cases("rlax_0_1"))
def test_policy_gradients_of_trajectories(precision, name, case):
    dtype, tolerance = precision
    inputs = GOLDENS[name]["inputs"]
    fixed = {k: jnp.asarray(inputs[k], dtype) for k in ("rewards", "ref_logps")}
    logits = jnp.asarray(inputs["logits"], dtype)
    labels, mask = completions(inputs)

    def total(tokens):
        columns = fixed | {"logps": tokens.sum(axis=1)}
        values = LOSSES[case["loss"]](columns, **arrays(case["options"], dtype))
        return values.sum(), values

    by_tokens, values = jax.grad(total, has_aux=True)(row_logps(logits, labels, mask))
    close(values, case["values"], tolerance)
    if "gradient" in case:
        close(pull_back(logits, labels, mask, by_tokens), case["gradient"], tolerance)


@pytest.mark.parametrize(("name", "case"), cases("trl_online_1_9"))
def test_online_losses_of_tokens(precision, name, case):
    dtype, tolerance = precision
    inputs, options = GOLDENS[name]["inputs"], case["options"]
    columns = {k: jnp.asarray(v, dtype) for k, v in inputs.items() if k != "mask"}
    columns |= {"mean": jnp.asarray(case["mean"], dtype), "std": jnp.asarray(case["std"], dtype)}
    columns["mask"] = jnp.array(inputs["mask"], bool)
    if "kl_coef" not in options:
        del columns["ref_token_logps"]
    loss = LOSSES[case["loss"]]

    def total(tokens):
        given = columns | {"token_logps": tokens}
        values = loss(given, **options)
        assert values.dtype == dtype
        lengths = columns["mask"].sum(axis=1)
        # The denominator itself is float32.
        rows = losses.denominator(case["reduction"], lengths).astype(dtype)
        value = losses.reduce(values, lengths, case["reduction"], rows)
        return value / case["divisor"], loss.diagnostics(given, **options)

    both = jax.value_and_grad(total, has_aux=True)
    (value, found), gradient = both(columns["token_logps"])
    close(value, case["value"], tolerance)
    close(gradient, case["gradient"], tolerance)
    for metric, expected in case["metrics"].items():  # trl counts clipped tokens in float32
        close(found[metric], expected, 1e-6 if metric == "clip_fraction" else tolerance)


@pytest.mark.parametrize(("name", "case"), cases("verl_0_9"))
def test_reductions_baselines_and_kl(precision, name, case):
    dtype, tolerance = precision
    inputs = GOLDENS[name]["inputs"]
    if "reduction" in case:
        mask = jnp.array(inputs["mask"])
        values = (jnp.asarray(inputs["values"], dtype) * mask).sum(axis=1)
        found = losses.reduce(values, mask.sum(axis=1), case["reduction"])
        # verl adds 1e-8 to the number of tokens of a sequence.
        tolerance = (
            max(tolerance, 1e-8) if case["reduction"] == "seq-mean-token-mean" else tolerance
        )
        close(found, case["value"], tolerance)
        return
    logps, ref_logps, rewards = (
        jnp.asarray(inputs[k], dtype) for k in ("logps", "ref_logps", "rewards")
    )
    if "kl" in case:
        close(losses.kl_penalty(logps, ref_logps), case["value"], tolerance)
        return
    contexts = jnp.array(inputs["contexts"])
    mean, _, count = losses.context_statistics(rewards, contexts, 4)
    found = -losses.rloo(jnp.ones_like(rewards), rewards, mean=mean, count=count)
    several = np.asarray(count) > 1
    close(found[several], np.array(case["value"])[several], tolerance)
    assert (np.asarray(found)[~several] == 0).all()


def test_every_loss_has_a_golden():
    """released_code alone has none: it is what not to do."""
    found = {case.get("loss") for golden in GOLDENS.values() for case in golden["cases"]}
    assert set(LOSSES) - found == {"released_code"}
    assert all(golden["package"] and golden["version"] for golden in GOLDENS.values())
