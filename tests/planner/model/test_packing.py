"""Packed rows equal the rows alone; padding on either side is the same; so are remat policies."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.planner import Inputs, Qwen3VL, Qwen3VLConfig
from agentic_styling.planner.model import qwen3_vl
from agentic_styling.planner.model.linear import Compute
from tests.planner import oracle, ours
from tests.slow import slow

LENGTH, MEDIA, PATCHES = 64, 3, 32
# The grids of each example's images and videos.
EXAMPLES = {
    "image": [(1, 4, 6)],
    "text": [],
    "video": [(2, 4, 4)],
    "images": [(1, 4, 4), (1, 2, 6)],
}
PACKED = [["image", "text", "video"], ["images", "text"]]
DENSE = oracle.HF_CONFIG | {
    "text_config": oracle.HF_CONFIG["text_config"] | {"num_hidden_layers": 2},
    "vision_config": oracle.HF_CONFIG["vision_config"]
    | {"depth": 2, "deepstack_visual_indexes": [0]},
}
SPARSE = oracle.with_experts(DENSE, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=32)
PLAIN = Compute()


def example(name):
    """Token ids, and the patches of each image or video."""
    text = iter(np.random.default_rng(len(name)).integers(1, 400, 40))
    ids = [next(text) for _ in range(4)]
    for frames, height, width in EXAMPLES[name]:
        token = oracle.IMAGE if frames == 1 else oracle.VIDEO
        for _ in range(frames):
            ids += [next(text), oracle.START, *[token] * (height * width // 4), oracle.END]
    ids += [next(text) for _ in range(5)]
    sizes = [np.prod(grid) for grid in EXAMPLES[name]]
    pixels = [oracle.draw(f"{name} {i}", (n, oracle.PATCH_DIM)) for i, n in enumerate(sizes)]
    return np.array(ids), pixels


def inputs(rows, side="right"):
    """`Inputs` of packed rows, and for each example its row and its places there."""
    tokens = np.full((len(rows), LENGTH), oracle.IMAGE)  # what stands in the padding is ignored
    segments = np.zeros((len(rows), LENGTH), np.int32)
    patches = np.zeros((len(rows), MEDIA, PATCHES, oracle.PATCH_DIM), np.float32)
    grids, where = np.zeros((len(rows), MEDIA, 3), np.int32), {}
    for row, names in enumerate(rows):
        at = 0 if side == "right" else LENGTH - sum(len(example(name)[0]) for name in names)
        medium = 0
        for number, name in enumerate(names, 1):
            ids, pixels = example(name)
            places = slice(at, at + len(ids))
            tokens[row, places], segments[row, places] = ids, number
            where[row, name], at = places, at + len(ids)
            for grid, array in zip(EXAMPLES[name], pixels, strict=True):
                grids[row, medium], patches[row, medium, : len(array)] = grid, array
                medium += 1
    arrays = (jnp.asarray(x) for x in (tokens, segments > 0, patches, grids, segments))
    return Inputs(*arrays), where


@pytest.fixture(scope="module", params=[DENSE, slow(SPARSE)], ids=["dense", "sparse"])
def model(request):
    """A config, its parameters, and the programs that are compiled of it."""
    config = Qwen3VLConfig.from_hf(request.param)
    return config, ours.perturbed_params(config), {}


def weighted(config, compute=PLAIN):
    """Sum of the hidden states times given weights, and the hidden states."""

    def loss(params, inputs, weights):
        hidden = Qwen3VL(config, compute).apply({"params": params}, inputs)
        return jnp.sum(hidden * weights), hidden

    return jax.grad(loss, has_aux=True)


def run(model, rows, side, compute=PLAIN):
    """Hidden states of each example, by row and name, and the gradient of all together."""
    config, params, programs = model
    batch, where = inputs(rows, side)
    weights = np.zeros((*batch.tokens.shape, config.text.hidden_size), np.float32)
    for (row, name), places in where.items():
        shape = weights[row, places].shape
        weights[row, places] = oracle.draw(f"weights {name}", shape)
    key = len(rows), batch.segments is None, compute
    if key not in programs:
        programs[key] = ours.compiled(weighted(config, compute), params, batch, weights)
    gradient, hidden = programs[key](params, batch, weights)
    return {(r, n): np.asarray(hidden)[r, places] for (r, n), places in where.items()}, gradient


def assert_same(found, expected):
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert np.linalg.norm(a - b) <= 2e-5 * np.linalg.norm(b)


@pytest.mark.slow
def test_packed_rows_equal_the_rows_alone(model):
    """Values and gradients, with images and a video, padded left and right."""
    alone = [[name] for row in PACKED for name in row]
    expected, gradient = run(model, alone, "right")
    expected = {name: hidden for (_, name), hidden in expected.items()}
    for rows, side in ((alone, "left"), (PACKED, "right"), (PACKED, "left")):
        found, found_gradient = run(model, rows, side)
        for (_, name), hidden in found.items():
            assert ours.error(hidden, expected[name]) < 1e-5, (name, side)
        assert_same(found_gradient, gradient)
    assert sum(compute == PLAIN for *_, compute in model[2]) == 2


def test_positions_begin_again_in_each_segment(config):
    packed, where = inputs(PACKED)
    token_positions = jax.jit(qwen3_vl.token_positions, static_argnums=3)
    found, following = token_positions(
        packed.tokens, packed.mask, packed.grids, config, packed.segments
    )
    for (row, name), places in where.items():
        single, _ = inputs([[name]])
        alone, after = token_positions(single.tokens, single.mask, single.grids, config)
        length = places.stop - places.start
        np.testing.assert_array_equal(found[row, places], alone[0, :length])
        if name == PACKED[row][-1]:
            assert following[row] == after[0]
    text, _ = token_positions(packed.tokens, packed.mask, None, config, packed.segments)
    for (row, _), places in where.items():
        assert text[row, places, 2].tolist() == list(range(places.stop - places.start))


OTHERS = [Compute(remat="dots"), Compute(remat="full"), Compute(remat="dots", unroll=True)]


@pytest.mark.slow
@pytest.mark.parametrize("model", [DENSE], ids=["dense"], indirect=True)
@pytest.mark.parametrize("compute", OTHERS, ids=["dots", "full", "unrolled"])
def test_remat_policies_agree(model, compute):
    """Values and gradients; a policy changes only what is saved, and unrolling nothing."""
    expected = run(model, PACKED, "right")
    assert_same(run(model, PACKED, "right", compute), expected)
    assert {compute, PLAIN} <= {key[-1] for key in model[2]}
