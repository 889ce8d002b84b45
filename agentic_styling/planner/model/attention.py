"""Self-attention of both towers, by several kernels, and the rotary embedding."""

import flax.struct
import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec

from agentic_styling.utils.errors import InputError

IMPLEMENTATIONS = ("auto", "xla", "cudnn", "pallas")
KERNEL_RESULTS = "attention"  # checkpoint name of the residuals of a kernel
PALLAS_BLOCKS = (512, 256, 128)
QUERY_BLOCK, MOST_BLOCKS = 128, 16  # of xla_attention; with more blocks compiling is slow
NO_SEGMENT = -2  # of padding added to fill blocks; the towers use ids from -1 up


@flax.struct.dataclass
class SegmentMask:
    """Which positions attend to which, and the kernel that computes it.

    segments int32 [B, S]: a position attends to its own segment and, if causal, to nothing after
    itself. implementation: "xla", "cudnn" or "pallas". one_first: every row is one segment at its
    beginning, followed by padding, 0.
    """

    segments: jax.Array
    causal: bool = flax.struct.field(pytree_node=False)
    implementation: str = flax.struct.field(pytree_node=False, default="xla")
    one_first: bool = flax.struct.field(pytree_node=False, default=False)


def choose(name: str, dtype, head_dim: int) -> str:
    """The implementation of a name of IMPLEMENTATIONS; "auto" takes the fastest that works.

    Raises InputError if the named one cannot run on this backend or with this dtype or head_dim.
    """
    if name == "auto":
        kernels = (k for k in ("cudnn", "pallas") if not _obstacle(k, dtype, head_dim))
        return next(kernels, "xla")
    obstacle = _obstacle(name, dtype, head_dim)
    if obstacle:
        raise InputError(f"attention {name!r} cannot work here: {obstacle}; use 'auto' or 'xla'")
    return name


def _obstacle(name: str, dtype, head_dim: int) -> str | None:
    backend = _backend()
    if name == "cudnn":
        capability = getattr(jax.local_devices()[0], "compute_capability", "")
        if backend != "gpu" or not capability[:1].isdigit() or float(capability) < 8:
            return f"it needs an NVIDIA GPU of capability 8.0 or more, not {backend} {capability}"
        if dtype not in (jnp.bfloat16, jnp.float16):
            return f"it needs bfloat16 or float16, not {jnp.dtype(dtype)}"
        if head_dim % 8 or head_dim > 128:
            return f"it needs a head_dim of 8, 16, .. 128, not {head_dim}"
    if name == "pallas":
        if backend != "tpu":
            return f"it needs a TPU, not {backend}"
        if jax.device_count() > 1 and jax.sharding.get_abstract_mesh().empty:
            return "it needs jax.set_mesh(mesh) with several devices"
    return None


def _backend() -> str:
    """The platform of the mesh of `jax.set_mesh`, which may be abstract, or JAX's default."""
    device = jax.sharding.get_abstract_mesh().abstract_device
    return device.platform if device else jax.default_backend()


def attend(query, key, value, mask: SegmentMask):
    """Scaled dot-product self-attention with grouped queries; the softmax is in float32.

    query [B, S, H, D]; key and value [B, K, S, D] where K divides H, heads first so that a
    cache in that order needs no transposition. Returns [B, S, H, D].
    """
    # Positions of a row may be sharded over several devices of the mesh of `jax.set_mesh`.
    devices = dict(jax.sharding.get_abstract_mesh().shape).get("context", 1)
    if mask.causal and devices > 1 and query.shape[1] % devices == 0:
        return context_attention(query, key, value, mask)
    kernels = {"xla": xla_attention, "cudnn": cudnn_attention, "pallas": pallas_attention}
    return kernels[mask.implementation](query, key, value, mask)


def context_attention(query, key, value, mask: SegmentMask):
    """`attend` with rows sharded over the axis "context": local queries, all-gathered keys.

    Keys and values are small with grouped queries; scores stay local. Matrix products are used
    because a kernel's causal mask cannot start at a different position on every device.
    """
    mesh = jax.sharding.get_abstract_mesh()
    rows = _dividing(mesh, len(query), {"data", "fsdp"})
    heads = _dividing(mesh, key.shape[1], {"tensor"})

    def local(query, key, value, segments):
        key, value = (jax.lax.all_gather(x, "context", axis=2, tiled=True) for x in (key, value))
        all_segments = jax.lax.all_gather(segments, "context", axis=1, tiled=True)
        offset = jax.lax.axis_index("context") * query.shape[1]
        return _attend_blocks(query, key, value, segments, all_segments, True, offset)

    tokens, states = PartitionSpec(rows, "context"), PartitionSpec(rows, heads, "context")
    queries = PartitionSpec(rows, "context", heads)
    return jax.shard_map(
        local,
        in_specs=(queries, states, states, tokens),
        out_specs=queries,
        check_vma=False,
    )(query, key, value, mask.segments)


def xla_attention(query, key, value, mask: SegmentMask):
    """`attend` by matrix products, one block of queries after another; for every backend.

    A causal block attends only to keys before its end, which halves the work, and its scores fit
    in a CPU's cache.
    """
    return _attend_blocks(query, key, value, mask.segments, mask.segments, mask.causal, None)


def _attend_blocks(query, key, value, segments, key_segments, causal: bool, offset):
    """offset: position of the first query among the keys; None if both start together."""
    length, keys_length = query.shape[1], key.shape[2]
    block, blocks = max(QUERY_BLOCK, -(-length // MOST_BLOCKS)), []
    for start in range(0, length, block):
        stop = min(start + block, length)
        end = stop if causal and offset is None else keys_length
        seen = segments[:, start:stop, None] == key_segments[:, None, :end]
        if causal:
            places = jnp.arange(start, stop) + (0 if offset is None else offset)
            seen &= places[:, None] >= jnp.arange(end)
        keys, values = key[:, :, :end], value[:, :, :end]
        blocks.append(_attend_block(query[:, start:stop], keys, values, seen[:, None, None]))
    return jnp.concatenate(blocks, axis=1)


def _attend_block(query, key, value, seen):
    """query [B, S, H, D]; key and value [B, K, T, D]; seen bool [B, 1, 1, S, T]."""
    batch, length, heads, dim = query.shape
    kv_heads = key.shape[1]
    grouped = (batch, length, kv_heads, heads // kv_heads, dim)
    query = (query * dim**-0.5).reshape(grouped).transpose(0, 2, 3, 1, 4)
    # One matrix product serves the queries of a group.
    rows = query.reshape(batch, kv_heads, -1, dim)
    out = _attend_rows(rows, key, value, seen).reshape(query.shape)
    return out.transpose(0, 3, 1, 2, 4).reshape(batch, length, heads, dim)


@jax.custom_vjp
def _attend_rows(rows, key, value, seen):
    """rows [B, K, G * S, D], scaled queries; key and value [B, K, T, D]; seen [B, 1, 1, S, T].

    The gradient takes the row sums from the output, as in arXiv:2205.14135, and computes the
    scores' gradient once; XLA on CPUs would otherwise recompute it for both products.
    """
    return _attend_rows_forward(rows, key, value, seen)[0]


def _attend_rows_forward(rows, key, value, seen):
    scores = jnp.einsum("bkrd,bktd->bkrt", rows, key, preferred_element_type=jnp.float32)
    shape = scores.shape
    scores = scores.reshape(*shape[:2], -1, *seen.shape[-2:])
    scores = jnp.where(seen, scores, jnp.finfo(jnp.float32).min)
    weights = jax.nn.softmax(scores, axis=-1).astype(value.dtype).reshape(shape)
    out = jnp.einsum("bkrt,bktd->bkrd", weights, value)
    return out, (rows, key, value, weights, out)


def _attend_rows_backward(saved, dout):
    (rows, key, value, weights, out), dout = jax.lax.optimization_barrier((saved, dout))
    total = (dout.astype(jnp.float32) * out.astype(jnp.float32)).sum(-1, keepdims=True)
    dscores = jnp.einsum("bkrd,bktd->bkrt", dout, value, preferred_element_type=jnp.float32)
    dscores = (weights.astype(jnp.float32) * (dscores - total)).astype(rows.dtype)
    dscores = jax.lax.optimization_barrier(dscores)
    drows = jnp.einsum("bkrt,bktd->bkrd", dscores, key)
    dkey = jnp.einsum("bkrt,bkrd->bktd", dscores, rows)
    return drows, dkey, jnp.einsum("bkrt,bkrd->bktd", weights, dout), None


_attend_rows.defvjp(_attend_rows_forward, _attend_rows_backward)


def cudnn_attention(query, key, value, mask: SegmentMask):
    """`attend` by cuDNN's flash attention, for bfloat16 and float16 on NVIDIA GPUs.

    Fast with mask.one_first. Otherwise the mask is an added bias, for which the backward kernel
    also computes an unused gradient.
    """
    length = query.shape[1]
    # The backward kernel requires even lengths.
    query, key, value, segments = _whole_blocks(8, query, key, value, mask.segments)
    if mask.one_first:
        real = segments > 0
        lengths = real.sum(1, dtype=jnp.int32)
        masking = {"query_seq_lengths": lengths, "key_value_seq_lengths": lengths}
        query, key, value = _zero_gradient_of_padding(query, key, value, real)
    else:
        masking = {"mask": segments[:, None, :, None] == segments[:, None, None, :]}
    key, value = jnp.swapaxes(key, 1, 2), jnp.swapaxes(value, 1, 2)
    out = jax.nn.dot_product_attention(
        query, key, value, is_causal=mask.causal, implementation="cudnn", **masking
    )
    return (_zero_padding(out, real) if mask.one_first else out)[:, :length]


# The kernel skips padding and leaves arbitrary values there, forward and backward. The barriers tie
# the masks to its results: a mask found to be the same for all layers would be hoisted out of the
# loop at the size of the results, and read from memory in every layer.


@jax.custom_vjp
def _zero_padding(out, real):
    """out [B, S, H, D], zero where not real [B, S]. Gradients in padding are unused."""
    real, out, zero = jax.lax.optimization_barrier((real, out, jnp.zeros((), out.dtype)))
    return jnp.where(real[:, :, None, None], out, zero)


_zero_padding.defvjp(
    lambda out, real: (_zero_padding(out, real), None), lambda _, dout: (dout, None)
)


@jax.custom_vjp
def _zero_gradient_of_padding(query, key, value, real):
    """The same query [B, S, H, D], key and value [B, K, S, D]; real bool [B, S]."""
    return query, key, value


def _zero_gradient_backward(real, gradients):
    zero = jnp.zeros((), gradients[0].dtype)
    real, (dquery, dkey, dvalue), zero = jax.lax.optimization_barrier((real, gradients, zero))
    dquery = jnp.where(real[:, :, None, None], dquery, zero)
    dkey, dvalue = (jnp.where(real[:, None, :, None], x, zero) for x in (dkey, dvalue))
    return dquery, dkey, dvalue, None


_zero_gradient_of_padding.defvjp(
    lambda query, key, value, real: ((query, key, value), real), _zero_gradient_backward
)


def pallas_attention(query, key, value, mask: SegmentMask, interpret: bool = False):
    """`attend` by the splash kernel of TPUs; interpret: run it as plain JAX on any backend.

    Rows are sharded over the mesh of `jax.set_mesh`, heads over its axis "tensor".
    """
    length = query.shape[1]
    query = query * query.shape[-1] ** -0.5
    query, key, value, segments = _whole_blocks(PALLAS_BLOCKS[-1], query, key, value, mask.segments)

    def kernel(query, key, value, segments):
        splash = _splash(*query.shape[1:3], mask.causal, interpret)
        return jax.vmap(splash)(query, key, value, segments)

    mesh = jax.sharding.get_abstract_mesh()
    if not mesh.empty:
        # The compiler cannot partition a kernel.
        rows = _dividing(mesh, len(query), {*mesh.axis_names} - {"tensor"})
        heads = _dividing(mesh, key.shape[1], {"tensor"})
        split = PartitionSpec(rows, heads)
        kernel = jax.shard_map(
            kernel,
            in_specs=(split, split, split, PartitionSpec(rows)),
            out_specs=split,
            check_vma=False,
        )
    out = kernel(jnp.swapaxes(query, 1, 2), key, value, segments)
    return jnp.swapaxes(out, 1, 2)[:, :length]


def _splash(heads: int, length: int, causal: bool, interpret: bool):
    """Attention of one row: query [H, S, D], key and value [K, S, D], segments int32 [S]."""
    from jax.experimental.pallas.ops.tpu import splash_attention

    mask = splash_attention.CausalMask if causal else splash_attention.FullMask
    mask = splash_attention.MultiHeadMask([mask((length, length))] * heads)
    block = next(block for block in PALLAS_BLOCKS if length % block == 0)
    names = ("block_q", "block_kv", "block_kv_compute", "block_q_dkv", "block_kv_dkv")
    names += ("block_kv_dkv_compute", "block_q_dq", "block_kv_dq")
    sizes = splash_attention.BlockSizes(**dict.fromkeys(names, block))
    kernel = splash_attention.make_splash_mha_single_device(
        mask, block_sizes=sizes, residual_checkpoint_name=KERNEL_RESULTS, interpret=interpret
    )

    def attend_row(query, key, value, segments):
        return kernel(query, key, value, splash_attention.SegmentIds(q=segments, kv=segments))

    return attend_row


def _whole_blocks(block: int, query, key, value, segments):
    """The arguments padded to a multiple of `block` positions, the padding in its own segment."""
    more = -query.shape[1] % block
    if not more:
        return query, key, value, segments
    query = jnp.pad(query, ((0, 0), (0, more), (0, 0), (0, 0)))
    key, value = (jnp.pad(x, ((0, 0), (0, 0), (0, more), (0, 0))) for x in (key, value))
    return query, key, value, jnp.pad(segments, ((0, 0), (0, more)), constant_values=NO_SEGMENT)


def _dividing(mesh, size: int, axes: set[str]) -> tuple[str, ...]:
    """Those of the axes that, taken in the mesh's order, divide `size` evenly."""
    kept, devices = (), 1
    for axis in mesh.axis_names:
        if axis in axes and size % (devices * mesh.shape[axis]) == 0:
            kept, devices = (*kept, axis), devices * mesh.shape[axis]
    return kept


def rotate(x, cos, sin):
    """Rotary embedding in the rotate-half layout: x [B, S, H, D]; cos and sin [B, S, D/2]."""
    cos, sin = cos[:, :, None], sin[:, :, None]
    first, second = jnp.split(x, 2, axis=-1)
    return jnp.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)


def frequencies(theta: float, dim: int):
    """Inverse rotary frequencies, float32 [dim / 2]."""
    return 1.0 / theta ** (jnp.arange(0, dim, 2, dtype=jnp.float32) / dim)
