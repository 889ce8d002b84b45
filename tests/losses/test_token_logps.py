"""Log-probabilities from blocks of the vocabulary against a dense float64 softmax."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from agentic_styling.losses import AllowedTokens, token_logps, token_statistics
from agentic_styling.training.mesh import AXES, make_mesh
from tests.slow import slow_but

PRECISIONS = {"float64": 1e-10, "float32": 1e-5}


def arrays(rows=3, length=13, width=8, vocabulary=37, seed=0):
    """hidden, embedding, labels, mask, and a weight for each token."""
    rng = np.random.default_rng(seed)
    return (
        rng.normal(size=(rows, length, width)),
        rng.normal(size=(vocabulary, width)),
        rng.integers(0, vocabulary, size=(rows, length)).astype(np.int32),
        rng.random((rows, length)) < 0.7,
        rng.normal(size=(rows, length)),
    )


def some_allowed(labels, vocabulary, seed=0):
    """A bool [B, S, V] with the labels, from a few tokens a place to all; and its table."""
    rng = np.random.default_rng(seed)
    could = rng.random((*labels.shape, vocabulary)) < rng.random((*labels.shape, 1)) ** 2
    could |= np.eye(vocabulary, dtype=bool)[labels]
    order = rng.permutation(labels.size)
    table = np.packbits(could.reshape(labels.size, -1)[order], axis=1, bitorder="little")
    index = np.argsort(order).reshape(labels.shape).astype(np.int32)
    return could, AllowedTokens(index, table)


def dense(hidden, embedding, labels, mask, weight, could=True):
    """In float64: logps, entropy, correct, and the gradients of sum(weight * logps)."""
    hidden, embedding = np.float64(hidden), np.float64(embedding)
    logits = np.where(could, hidden @ embedding.T, -1e9)
    shifted = logits - logits.max(-1, keepdims=True)
    logps = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    probs, onehot = np.exp(logps), np.eye(len(embedding))[labels]
    tokens = [(logps * onehot).sum(-1), -(probs * logps).sum(-1), logits.argmax(-1) == labels]
    d_logits = (onehot - probs) * (weight * mask)[..., None]
    gradients = d_logits @ embedding, np.einsum("bsv,bsd->vd", d_logits, hidden)
    return *(np.where(mask, x, 0.0) for x in tokens), *gradients


def ours(given, statistics=token_statistics, **options):
    """The same five from token_statistics; and hidden's gradient where it alone is wanted."""
    hidden, embedding, labels, mask, weight = given

    def total(hidden, embedding):
        found = statistics(hidden, embedding, labels, mask, **options)
        # Entropy and accuracy are watched; they do not train.
        return jnp.sum(found.logps * weight + found.entropy + found.correct), found

    (_, found), gradients = jax.value_and_grad(total, (0, 1), has_aux=True)(hidden, embedding)
    return *found, *gradients, jax.grad(total, has_aux=True)(hidden, embedding)[0]


def check(given, tolerance, could=True, **options):
    """Raises where a value or gradient differs from the dense ones, relative to the largest."""
    expected = dense(*given, could)
    found = jax.jit(functools.partial(ours, **options))(given)
    for a, b in zip(found, (*expected, expected[3]), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * max(abs(b).max(), 1))
    return found


BLOCKS = [(precision, block) for precision in PRECISIONS for block in (1, 5, 36, 37, 8192)]


@pytest.mark.parametrize(
    ("precision", "block"),
    slow_but(BLOCKS, ("float64", 5), ("float64", 8192), ("float32", 36)),
)
def test_values_and_gradients_are_the_dense_ones(precision, block):
    hidden, embedding, *rest, weight = arrays()
    with jax.enable_x64(precision == "float64"):
        low = [jnp.asarray(x, precision) for x in (hidden, embedding, weight)]
        found = check((*low[:2], *rest, low[2]), PRECISIONS[precision], block=block)
        assert {x.dtype for x in found} == {jnp.dtype(precision)}


@settings(max_examples=4, deadline=None, derandomize=True)
@given(
    sizes=st.tuples(*[st.integers(1, 9)] * 3, st.integers(1, 20)),
    block=st.integers(1, 21),
    seed=st.integers(0, 99),
)
def test_any_sizes_and_blocks(sizes, block, seed):
    hidden, embedding, labels, mask, weight = arrays(*sizes, seed)
    given = jnp.float32(hidden), jnp.float32(embedding), labels, mask
    found = jax.jit(functools.partial(token_statistics, block=block))(*given)
    for a, b in zip(found, dense(hidden, embedding, labels, mask, weight), strict=False):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("block", [5, 8192])
def test_probabilities_among_allowed_tokens(block):
    given = arrays()
    could, allowed = some_allowed(given[2], 37)
    assert could.sum(axis=-1).min() < 3 and could.sum(axis=-1).max() > 30
    with jax.enable_x64(True):
        found = check(given, 1e-10, could, allowed=allowed, block=block)
    with pytest.raises(AssertionError):
        check(given, 1e-5, could, block=block)
    one = np.where(given[3], could.sum(axis=-1), 2) == 1
    np.testing.assert_array_equal(found[0][one], 0.0)  # no choice, no credit
    never = ~could[given[3]].any(axis=0)
    np.testing.assert_array_equal(found[4][never], 0.0)
    table = np.full((1, 5), 255, np.uint8)
    everything = AllowedTokens(np.zeros_like(given[2]), table)
    check(tuple(map(jnp.asarray, given)), 1e-5, allowed=everything, block=block)


def without_mask(*args, **options):
    return token_statistics(*args[:3], args[3] | True, **options)


def without_last_block(hidden, embedding, *rest, **options):
    return token_statistics(hidden, embedding[:-1], *rest, **options)


def shifted_labels(hidden, embedding, labels, *rest, **options):
    return token_statistics(hidden, embedding, jnp.roll(labels, 1, axis=1), *rest, **options)


def probability_of_the_block(hidden, embedding, *rest, **options):
    """Every block normalised for itself."""
    found = [token_statistics(hidden, e, *rest) for e in jnp.split(embedding[:36], 2)]
    return jax.tree.map(jnp.maximum, *found)


@pytest.mark.parametrize(
    "fault", [without_mask, without_last_block, shifted_labels, probability_of_the_block]
)
def test_the_check_catches_wrong_maths(fault):
    with pytest.raises(AssertionError):
        check(arrays(), 1e-5, statistics=fault)


def test_masked_positions_carry_nothing():
    hidden, embedding, labels, mask, _ = arrays()
    logps = jax.jit(token_logps)
    out = np.asarray(logps(hidden, embedding, labels, mask))
    np.testing.assert_array_equal(out[~mask], 0.0)
    assert (out[mask] < 0).all()
    other = np.where(mask, labels, -100)
    np.testing.assert_array_equal(logps(hidden, embedding, other, mask), out)
    grad = jax.jit(jax.grad(lambda h: logps(h, embedding, labels, mask).sum()))(hidden)
    np.testing.assert_array_equal(np.asarray(grad)[~mask], 0.0)
    hidden[1, 2] = np.nan  # nor does it hide what is not a number
    broken = logps(hidden, embedding, labels, mask | True)
    assert np.isnan(broken[1, 2]) and np.isfinite(np.delete(broken, 1, axis=0)).all()


def test_bfloat16_is_summed_in_float32():
    hidden, embedding, labels, mask, weight = arrays(width=64, vocabulary=600)
    low = [jnp.asarray(x, jnp.bfloat16) for x in (hidden, embedding / 8)]
    given = (*low, labels, mask, jnp.float32(weight))
    found = jax.jit(functools.partial(ours, block=100))(given)
    expected = dense(*given)
    assert [str(x.dtype) for x in found] == ["float32"] * 3 + ["bfloat16"] * 3
    for a, b in zip(found[:3], expected, strict=False):
        np.testing.assert_allclose(a, b, atol=1e-5)
    for a, b in zip(found[3:], (*expected[3:], expected[3]), strict=True):
        error = np.linalg.norm(np.float64(a) - b) / np.linalg.norm(b)
        assert error < 2**-8


def test_extreme_logits_stay_finite():
    hidden = jnp.full((1, 2, 2), 100.0)
    embedding = jnp.array([[100.0, 0.0], [-100.0, 0.0]])
    labels, mask = jnp.array([[0, 1]]), jnp.ones((1, 2), bool)
    for block in (1, 2):
        found = jax.jit(functools.partial(ours, block=block))(
            (hidden, embedding, labels, mask, jnp.ones((1, 2)))
        )
        np.testing.assert_allclose(found[0], [[0.0, -20000.0]])
        np.testing.assert_array_equal(found[1], 0.0)
        np.testing.assert_array_equal(found[2], [[1.0, 0.0]])
        assert all(np.isfinite(x).all() for x in found)


B, S, D, V, BLOCK = 2, 30, 4, 1000, 100
MODES = {"forward": (), "hidden alone": (0,), "both": (0, 1)}


def compiled(mode: str) -> str:
    """The optimised program of token_logps, and what is differentiated."""
    argnums = MODES[mode]

    def total(hidden, embedding, labels, mask):
        return token_logps(hidden, embedding, labels, mask, block=BLOCK).sum()

    function = jax.value_and_grad(total, argnums) if argnums else total
    shapes = ((B, S, D), (V, D), (B, S), (B, S))
    dtypes = (jnp.float32, jnp.float32, jnp.int32, jnp.bool_)
    given = (jax.ShapeDtypeStruct(*x) for x in zip(shapes, dtypes, strict=True))
    return jax.jit(function).lower(*given).compile().as_text()


def shapes_of(program: str) -> list[tuple[int, ...]]:
    found = set(re.findall(r"\b(?:f|bf|s|u|pred)\d*\[([\d,]+)\]", program))
    return [tuple(int(size) for size in shape.split(",")) for shape in found]


@pytest.mark.parametrize(("mode", "products"), [("forward", 1), ("hidden alone", 2), ("both", 4)])
def test_products_and_arrays_are_as_few_as_they_can_be(mode, products):
    """Of the compiled program: what XLA leaves of it. V is a multiple of the block: one body."""
    program = compiled(mode)
    assert len(re.findall(r" dot\(| custom-call\(.*[Dd]ot", program)) == products
    shapes = shapes_of(program)
    assert (B * S, BLOCK) in shapes  # it does see a block's logits
    assert not [s for s in shapes if np.prod(s) >= B * S * V]
    # An array like the embedding is written only where its gradient is wanted.
    written = re.findall(rf"= f32\[{V},{D}\]\S* (?!parameter|get-tuple-element)", program)
    assert bool(written) == (mode == "both")


# data, fsdp, context, tensor
MESHES = [
    (8, 1, 1, 1),
    (1, 8, 1, 1),
    (1, 1, 8, 1),
    (1, 1, 1, 8),
    (2, 2, 1, 2),
    (1, 2, 1, 4),
    (1, 2, 2, 2),
    (2, 1, 4, 1),
    (1, 1, 1, 1),
]


def on_mesh(sizes, given):
    """The arrays as a trainer lays them on a mesh: rows split, the embedding over both axes."""
    mesh = make_mesh(dict(zip(AXES, sizes, strict=True)))
    hidden, embedding, *rest = given
    axes = [
        axis if size % mesh.shape[axis] == 0 else None
        for size, axis in zip(embedding.shape, ("tensor", "fsdp"), strict=True)
    ]
    embedding = jax.device_put(embedding, NamedSharding(mesh, P(*axes)))
    hidden, *rest = jax.device_put(
        (hidden, *rest), NamedSharding(mesh, P(("data", "fsdp"), "context"))
    )
    return mesh, (hidden, embedding, *rest)


# The second shape divides over none of the axes, or only over fsdp = 2.
SPREAD = [(sizes, *shape) for sizes in MESHES for shape in ((16, 48), (6, 37))]


@pytest.mark.parametrize(
    ("sizes", "width", "vocabulary"),
    slow_but(SPREAD, ((1, 2, 2, 2), 16, 48), ((2, 2, 1, 2), 6, 37), ((1, 1, 1, 1), 6, 37)),
)
def test_one_device_is_eight(sizes, width, vocabulary):
    hidden, embedding, labels, mask, weight = arrays(8, 8, width, vocabulary)
    given = np.float32(hidden), np.float32(embedding), labels, mask, np.float32(weight)
    mesh, spread = on_mesh(sizes, given)
    check(spread, 1e-5, mesh=mesh, block=5)
    could, allowed = some_allowed(labels, vocabulary)
    check(spread, 1e-5, could, mesh=mesh, block=5, allowed=allowed)


def test_a_split_vocabulary_stays_split():
    """With a block as large as it may be, no device has logits or embeddings of more than 1/4."""
    rows, length, width, vocabulary = 4, 6, 10, 44
    hidden, embedding, *rest = arrays(rows, length, width, vocabulary)
    given = np.float32(hidden), np.float32(embedding), *rest
    mesh, spread = on_mesh((1, 2, 1, 4), given)
    function = jax.jit(functools.partial(ours, mesh=mesh))
    shapes = shapes_of(function.lower(spread).compile().as_text())
    assert (rows * length // 2, vocabulary // 4) in shapes
    assert not [shape for shape in shapes if vocabulary in shape]
    one = jax.jit(ours).lower(given).compile().as_text()
    assert (rows * length, vocabulary) in shapes_of(one)  # so it would show


def test_rows_that_do_not_divide_are_refused():
    mesh = make_mesh({"data": 2, "fsdp": 2, "tensor": 2})
    with pytest.raises(ValueError, match="3 rows do not divide over data x fsdp = 4"):
        token_logps(*arrays()[:4], mesh=mesh)
    mesh = make_mesh({"context": 8})
    with pytest.raises(ValueError, match="13 tokens do not divide over context = 8"):
        token_logps(*arrays()[:4], mesh=mesh)
