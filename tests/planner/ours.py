"""Our side of the comparison: weights by Hugging Face names, logits, gradients, errors."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import traverse_util

from agentic_styling.planner import Inputs, output_embedding
from agentic_styling.planner.checkpoints.tensor_names import tensors
from agentic_styling.planner.model import qwen3_vl
from tests.planner import oracle


def perturbed_params(config):
    """Our tree, with the same weights as the reference model's."""
    table = tensors(config)
    weights = oracle.weights({tensor.name: tensor.shape for tensor in table})
    flat = {}
    for tensor in table:
        flat.setdefault(tensor.path, []).append(unpack(tensor, weights[tensor.name]))
    stacked = {tensor.path for tensor in table if tensor.index is not None}
    flat = {p: np.stack(a) if p in stacked else a[0] for p, a in flat.items()}
    return traverse_util.unflatten_dict({p: jnp.asarray(a) for p, a in flat.items()})


def unpack(tensor, array: np.ndarray) -> np.ndarray:
    """A tensor of a checkpoint in our layout, without the stack's axis."""
    return array.reshape(tensor.matrix).T if tensor.transposed else array


def checkpoint(config, tree) -> dict[str, np.ndarray]:
    """The leaves of a tree like the parameters, by name and laid out as in a checkpoint."""
    flat = {path: np.asarray(leaf) for path, leaf in traverse_util.flatten_dict(tree).items()}
    return {tensor.name: tensor.pack(flat[tensor.path]) for tensor in tensors(config)}


def compiled(function, *arguments):
    """Compiled quickly rather than well, and afresh, so that patched functions take effect."""
    options = {"xla_backend_optimization_level": 0}
    return jax.jit(lambda *a: function(*a)).lower(*arguments).compile(options)


def logits(config, params, inputs):
    """float32 [B, S, V], 0 at padding."""
    hidden = qwen3_vl.Qwen3VL(config).apply({"params": params}, inputs)
    return (hidden @ output_embedding(config, params).T) * inputs.mask[..., None]


def padded(inputs: Inputs) -> Inputs:
    """A case in the shapes of the largest, so that one program serves every case."""
    rows, length = inputs.tokens.shape
    left = ((0, 0), (oracle.LARGEST["length"] - length, 0))
    if inputs.patches is None:
        inputs = inputs.replace(
            patches=jnp.zeros((rows, 0, 0, oracle.PATCH_DIM)), grids=jnp.zeros((rows, 0, 3), int)
        )
    _, media, patches, _ = inputs.patches.shape
    media = (0, oracle.LARGEST["media"] - media)
    patches = (0, oracle.LARGEST["patches"] - patches)
    return inputs.replace(
        tokens=jnp.pad(inputs.tokens, left),
        mask=jnp.pad(inputs.mask, left),
        patches=jnp.pad(inputs.patches, ((0, 0), media, patches, (0, 0))),
        grids=jnp.pad(inputs.grids, ((0, 0), media, (0, 0))),
    )


def packed(inputs: Inputs) -> Inputs:
    """The rows of a case, without their padding, one after the other in a single row."""
    rows = np.nonzero(inputs.mask)[0]
    length = (1, len(rows))
    return inputs.replace(
        tokens=inputs.tokens[inputs.mask].reshape(length),
        mask=jnp.ones(length, bool),
        patches=inputs.patches.reshape(1, -1, *inputs.patches.shape[2:]),
        grids=inputs.grids.reshape(1, -1, 3),
        segments=jnp.asarray(rows + 1, jnp.int32).reshape(length),
    )


def loss_gradient(config, params, inputs):
    """A compiled (params, inputs of these shapes, cotangent) -> (logits, gradient)."""

    def loss(params, inputs, cotangent):
        out = logits(config, params, inputs)
        return jnp.sum(out * cotangent), out

    def gradient_and_logits(params, inputs, cotangent):
        gradient, out = jax.grad(loss, has_aux=True)(params, inputs, cotangent)
        return out, gradient

    cotangent = jnp.zeros((*inputs.tokens.shape, config.text.vocab_size))
    return compiled(gradient_and_logits, params, inputs, cotangent)


def program_of_cases(config, params):
    """The `loss_gradient` of every case: grids are data."""
    tokens = jnp.zeros((2, oracle.LARGEST["length"]), jnp.int32)
    return loss_gradient(config, params, padded(Inputs(tokens, tokens == 0)))


def logits_and_gradients(config, params, inputs, cotangent, program):
    """Logits [B, S, V] and the gradient of each tensor by name, by the `program_of_cases`."""
    length = inputs.mask.shape[1]
    left = oracle.LARGEST["length"] - length
    cotangent = np.pad(cotangent, ((0, 0), (left, 0), (0, 0)))
    out, gradients = program(params, padded(inputs), cotangent)
    return np.asarray(out)[:, left:], checkpoint(config, gradients)


def error(found, expected) -> float:
    """The relative error in norm."""
    return float(np.linalg.norm(np.asarray(found) - expected) / np.linalg.norm(expected))
