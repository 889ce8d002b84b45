"""Every implementation of attention against XLA's, and against a sum by hand."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType

from agentic_styling.planner import Qwen3VL, hf_inputs
from agentic_styling.planner.model import attention, text, vision
from agentic_styling.planner.model.linear import REMAT_POLICIES, Compute
from agentic_styling.utils.errors import InputError
from tests.planner import oracle, ours
from tests.slow import slow, slow_but

ROWS, LENGTH, HEADS, KV_HEADS, DIM = 2, 200, 4, 2, 24
SEGMENTS = np.zeros((ROWS, LENGTH), np.int32)
# Two examples padded on the left, one padded on the right.
SEGMENTS[0, 30:90], SEGMENTS[0, 90:], SEGMENTS[1, :150] = 1, 2, 1


def arrays(dtype=jnp.float32):
    keys = jax.random.split(jax.random.key(0), 4)
    query = jax.random.normal(keys[0], (ROWS, LENGTH, HEADS, DIM), dtype)
    key, value = (jax.random.normal(k, (ROWS, KV_HEADS, LENGTH, DIM), dtype) for k in keys[1:3])
    return query, key, value, jax.random.normal(keys[3], query.shape, dtype)


@functools.partial(jax.jit, static_argnames="causal")
def xla(query, key, value, causal):
    mask = attention.SegmentMask(jnp.asarray(SEGMENTS), causal=causal, implementation="xla")
    return attention.attend(query, key, value, mask)


def weighted(function):
    return lambda q, k, v, weight: jnp.sum(function(q, k, v) * weight)


@pytest.mark.parametrize("causal", [True, False], ids=["causal", "full"])
def test_xla_equals_a_sum_by_hand(causal):
    query, key, value, _ = (np.asarray(x, np.float64) for x in arrays())
    out = np.asarray(xla(*arrays()[:3], causal))
    for row, place, head in [(0, 30, 0), (0, 89, 3), (0, 95, 1), (1, 0, 2), (1, 149, 3)]:
        seen = SEGMENTS[row] == SEGMENTS[row, place]
        if causal:
            seen &= np.arange(LENGTH) <= place
        group = head // (HEADS // KV_HEADS)
        scores = key[row, group, seen] @ query[row, place, head] / DIM**0.5
        weights = np.exp(scores - scores.max())
        expected = weights / weights.sum() @ value[row, group, seen]
        np.testing.assert_allclose(out[row, place, head], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("dtype", "most"), [(jnp.float32, 1e-5), (jnp.bfloat16, 2e-2)], ids=["single", "half"]
)
def test_the_gradient_of_xla_is_that_of_the_softmax(dtype, most):
    """The automatic one in float32 of the same arrays, by every query at once."""
    given = arrays(dtype)
    seen = SEGMENTS[:, :, None] == SEGMENTS[:, None]
    seen &= np.tri(LENGTH, dtype=bool)

    def plain(query, key, value):
        key, value = (jnp.repeat(x, HEADS // KV_HEADS, axis=1) for x in (key, value))
        scores = jnp.einsum("bshd,bhtd->bhst", query, key) * DIM**-0.5
        weights = jax.nn.softmax(jnp.where(seen[:, None], scores, -jnp.inf))
        return jnp.einsum("bhst,bhtd->bshd", weights, value)

    compiled = jax.jit(jax.grad(weighted(functools.partial(xla, causal=True)), (0, 1, 2)))
    gradient = compiled(*given)
    single = [x.astype(jnp.float32) for x in given]
    expected = jax.jit(jax.grad(weighted(plain), (0, 1, 2)))(*single)
    for one, other in zip(gradient, expected, strict=True):
        assert ours.error(one, other) < most


@pytest.mark.parametrize("causal", [True, slow(False)], ids=["causal", "full"])
def test_pallas_equals_xla(causal):
    """Values and gradients, with grouped queries, segments, and a length between blocks."""

    mask = attention.SegmentMask(jnp.asarray(SEGMENTS), causal, "pallas")

    def pallas(query, key, value):
        return attention.pallas_attention(query, key, value, mask, interpret=True)

    query, key, value, weight = arrays()
    expected = jax.jit(jax.value_and_grad(weighted(lambda *x: xla(*x, causal)), (0, 1, 2)))
    found = jax.jit(jax.value_and_grad(weighted(pallas), (0, 1, 2)))(query, key, value, weight)
    for a, b in zip(
        jax.tree.leaves(found), jax.tree.leaves(expected(query, key, value, weight)), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=2e-4, rtol=1e-4)


def test_pallas_shares_rows_and_heads_over_a_mesh():
    mesh = jax.make_mesh((2, 2, 2), ("data", "fsdp", "tensor"), axis_types=(AxisType.Auto,) * 3)
    query, key, value, _ = arrays()

    def pallas(*x):
        mask = attention.SegmentMask(jnp.asarray(SEGMENTS), True, "pallas")
        return attention.pallas_attention(*x, mask, interpret=True)

    with jax.set_mesh(mesh):
        shared = jax.jit(pallas)
        text = shared.lower(query, key, value).as_text()
        out = shared(query, key, value)
    assert '"data"' in text and '"tensor"' in text
    np.testing.assert_allclose(out, xla(query, key, value, True), atol=1e-5)


@pytest.mark.parametrize("sizes", [(1, 2, 2, 2), slow(((1, 1, 8, 1),)), slow(((2, 2, 2, 1),))])
def test_a_row_is_shared_over_the_axis_context(sizes):
    """Values and gradients; no device has more queries than its own."""
    axes = ("data", "fsdp", "context", "tensor")
    mesh = jax.make_mesh(sizes, axes, axis_types=(AxisType.Auto,) * 4)
    query, key, value, weights = (x.repeat(2, axis=0) for x in arrays())
    segments = jnp.asarray(SEGMENTS).repeat(2, axis=0)

    def loss(query, key, value):
        mask = attention.SegmentMask(segments, True, "xla")
        return jnp.sum(attention.attend(query, key, value, mask) * weights)

    gradient = jax.grad(loss, argnums=(0, 1, 2))
    expected = jax.jit(gradient)(query, key, value)
    with jax.set_mesh(mesh):
        shared = jax.jit(gradient)
        text = shared.lower(query, key, value).as_text()
        found = shared(query, key, value)
    assert "all_gather" in text
    own = query.shape[1] // sizes[2]
    assert f"x{own}x{query.shape[1]}x" in text  # of scores: own queries, all keys
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5, rtol=1e-4)


def lowered(function, platform, *arguments):
    return jax.jit(function).trace(*arguments).lower(lowering_platforms=(platform,)).as_text()


@pytest.mark.parametrize("dim", [slow(64), 72, slow(128)])
def test_pallas_lowers_for_tpu(dim):
    """The head sizes of the published towers; forward and backward kernels."""
    query = jax.ShapeDtypeStruct((2, 300, 4, dim), jnp.bfloat16)
    key = jax.ShapeDtypeStruct((2, 2, 300, dim), jnp.bfloat16)
    segments = jax.ShapeDtypeStruct((2, 300), jnp.int32)

    def loss(query, key, value, segments):
        mask = attention.SegmentMask(segments, True, "pallas")
        return attention.pallas_attention(query, key, value, mask).sum()

    text = lowered(jax.grad(loss, (0, 1, 2)), "tpu", query, key, key, segments)
    assert text.count("tpu_custom_call") >= 3


@pytest.mark.parametrize("one_first", [True, False], ids=["lengths", "bias"])
def test_cudnn_lowers_for_cuda(one_first, monkeypatch):
    """An odd length too, for which the backward kernel takes no bias."""
    kernels = pytest.importorskip("jax._src.cudnn.fused_attention_stablehlo")
    monkeypatch.setattr(kernels, "check_cudnn_version", lambda: 91000)
    query, key, value, _ = arrays(jnp.bfloat16)
    mask = attention.SegmentMask(jnp.asarray(SEGMENTS)[:, :199], True, "cudnn", one_first)

    def loss(*x):
        return attention.cudnn_attention(*x, mask).sum()

    odd = query[:, :199], key[:, :, :199], value[:, :, :199]
    text = lowered(jax.grad(loss, (0, 1, 2)), "cuda", *odd)
    assert "__cudnn$fmha" in text
    assert "Backward" in text
    assert ("ScaleBias" in text) != one_first


@pytest.mark.slow
def test_the_forward_kernel_runs_once_where_its_results_are_kept(monkeypatch):
    """remat "dots" knows cuDNN's kernel by JAX's name for it, and splash's by ours."""
    kernels = pytest.importorskip("jax._src.cudnn.fused_attention_stablehlo")
    monkeypatch.setattr(kernels, "check_cudnn_version", lambda: 91000)
    query, key, value, _ = arrays(jnp.bfloat16)

    def text(name, platform, policy):
        mask = attention.SegmentMask(jnp.asarray(SEGMENTS), True, name, one_first=True)

        def layer(*x):
            return jnp.sin(getattr(attention, f"{name}_attention")(*x, mask)).sum()

        kept = jax.checkpoint(layer, policy=REMAT_POLICIES[policy])
        return lowered(jax.value_and_grad(kept, (0, 1, 2)), platform, query, key, value)

    kernels = ("cudnn", "cuda", "@__cudnn$fmhaSoftmax("), ("pallas", "tpu", "tpu_custom_call")
    for name, platform, call in kernels:
        again, once = (text(name, platform, policy).count(call) for policy in ("full", "dots"))
        assert again == once + 1, name


@pytest.fixture
def without_cudnn(monkeypatch):
    """The same call, computed by XLA."""
    call = jax.nn.dot_product_attention

    def computed(*arguments, implementation, **told):
        assert implementation == "cudnn"
        return call(*arguments, implementation="xla", **told)

    monkeypatch.setattr(jax.nn, "dot_product_attention", computed)


MASKS = [(causal, one_first) for causal in (True, False) for one_first in (True, False)]


@pytest.mark.parametrize(("causal", "one_first"), slow_but(MASKS, (True, True), (False, False)))
def test_what_cudnn_is_told_equals_xla(causal, one_first, without_cudnn):
    segments = jnp.asarray(SEGMENTS)
    if one_first:
        segments = (jnp.arange(LENGTH) < jnp.array([[0], [140]])).astype(jnp.int32)
    real = segments > 0
    mask = attention.SegmentMask(segments, causal=causal, implementation="xla")
    told = attention.SegmentMask(
        segments, causal=causal, implementation="cudnn", one_first=one_first
    )
    query, key, value, weight = arrays()
    weight = weight * real[:, :, None, None]
    expected, found = (
        jax.jit(jax.value_and_grad(weighted(lambda *x, by=by: attention.attend(*x, by)), (0, 1, 2)))
        for by in (mask, told)
    )
    for a, b in zip(
        jax.tree.leaves(found(query, key, value, weight)),
        jax.tree.leaves(expected(query, key, value, weight)),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, atol=2e-4, rtol=1e-4)


def test_what_a_kernel_leaves_in_padding_goes_no_further(monkeypatch):
    """A kernel that reads no padding, and writes NaN there, forward and backward."""
    segments = (jnp.arange(LENGTH) < jnp.array([[LENGTH], [140]])).astype(jnp.int32)
    real = (segments > 0)[:, :, None, None]
    call = jax.nn.dot_product_attention

    def exact(query, key, value):
        query, key, value = (jnp.where(real, x, 0) for x in (query, key, value))
        return call(query, key, value, is_causal=True, implementation="xla")

    @jax.custom_vjp
    def careless(query, key, value):
        return jnp.where(real, exact(query, key, value), jnp.nan)

    def backward(given, dout):
        gradients = jax.vjp(exact, *given)[1](jnp.where(real, dout, 0))
        return tuple(jnp.where(real, x, jnp.nan) for x in gradients)

    careless.defvjp(lambda *given: (careless(*given), given), backward)
    monkeypatch.setattr(jax.nn, "dot_product_attention", lambda *given, **_: careless(*given))

    *given, weight = arrays()
    told = attention.SegmentMask(segments, True, "cudnn", one_first=True)
    plain = attention.SegmentMask(segments, True, "xla")

    def real_part(*x):
        return jnp.where(real, attention.attend(*x, plain), 0)

    @functools.partial(jax.jit, static_argnums=0)
    def value_and_gradients(function, weight, *given):
        out, pull = jax.vjp(function, *given)
        return out, *pull(weight)

    found = value_and_gradients(lambda *x: attention.attend(*x, told), weight, *given)
    expected = value_and_gradients(real_part, weight, *given)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-4, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cudnn", "pallas"])
@pytest.mark.parametrize("case", ["images", "video"])
def test_both_towers_are_the_same_by_every_kernel(
    name, case, config, params, without_cudnn, monkeypatch
):
    """Hidden states, keys and values; a batch padded on the left, frames within a row."""
    interpreted = functools.partial(attention.pallas_attention, interpret=True)
    monkeypatch.setattr(attention, "pallas_attention", interpreted)
    batch = hf_inputs(config, oracle.batch(case))
    real = np.asarray(batch.mask)

    def run():
        model = Qwen3VL(config, keep_cache=True)
        hidden, caches = ours.compiled(
            lambda params, batch: model.apply({"params": params}, batch), params, batch
        )(params, batch)
        caches = [np.moveaxis(leaf, 3, 2)[:, real] for leaf in jax.tree.leaves(caches)]
        return [np.asarray(hidden)[real], *caches]

    expected = run()
    for tower in (text, vision):
        monkeypatch.setattr(tower, "choose", lambda *_: name)
    for a, b in zip(run(), expected, strict=True):
        assert ours.error(a, b) < 1e-5


def test_half_precision_agrees_with_single():
    exact = xla(*arrays()[:3], True)
    rough = xla(*(x.astype(jnp.bfloat16) for x in arrays()[:3]), True)
    assert rough.dtype == jnp.bfloat16
    assert np.linalg.norm(rough - exact) < 0.02 * np.linalg.norm(exact)


@pytest.mark.parametrize(
    ("backend", "devices", "dtype", "dim", "chosen"),
    [
        ("cpu", 8, jnp.bfloat16, 128, "xla"),
        ("gpu", 1, jnp.bfloat16, 128, "cudnn"),
        ("gpu", 1, jnp.float16, 72, "cudnn"),
        ("gpu", 1, jnp.float32, 128, "xla"),
        ("gpu", 1, jnp.bfloat16, 20, "xla"),
        ("tpu", 1, jnp.float32, 72, "pallas"),
        ("tpu", 8, jnp.bfloat16, 128, "xla"),
    ],
)
def test_automatic_choice(backend, devices, dtype, dim, chosen, monkeypatch):
    class Device:
        compute_capability = "9.0"

    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    monkeypatch.setattr(jax, "device_count", lambda: devices)
    monkeypatch.setattr(jax, "local_devices", lambda: [Device])
    assert attention.choose("auto", dtype, dim) == chosen


def test_both_towers_ask_with_the_dtype_of_the_parameters(config, params, monkeypatch):
    """Half-precision parameters make a half-precision pass, whatever the dtype of the pixels."""
    asked = []
    for tower in (text, vision):
        monkeypatch.setattr(tower, "choose", lambda *asks: asked.append(asks) or "xla")
    half = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, jnp.bfloat16), params)
    batch = hf_inputs(config, oracle.batch("one_image"))
    model = Qwen3VL(config, Compute(attention="pallas"))
    hidden = jax.eval_shape(lambda params: model.apply({"params": params}, batch), half)
    assert hidden.dtype == jnp.bfloat16
    assert asked == [("pallas", jnp.bfloat16, 16), ("pallas", jnp.bfloat16, 32)]


def test_what_cannot_work_says_why():
    pytest.raises(InputError, Compute, attention="palas").match("did you mean 'pallas'")
    for name, reason in (("cudnn", "NVIDIA GPU.*cpu"), ("pallas", "needs a TPU, not cpu")):
        with pytest.raises(InputError, match=reason):
            attention.choose(name, jnp.bfloat16, 128)
    assert attention.choose("xla", jnp.bfloat16, 128) == "xla"
