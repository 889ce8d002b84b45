"""dm-pix's public functions, where they are used, and why the others are not, with measurements.

python experiments/dm_pix_table.py --out docs/dm_pix.md
"""

import argparse
import functools
import inspect
import math
import re
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import dm_pix
import jax
import jax.numpy as jnp
import numpy as np
import skimage.data
from skimage.transform import resize

from agentic_styling.tools.transforms.camera.lens import distort
from agentic_styling.tools.transforms.color.color_transform import color_transform
from agentic_styling.tools.transforms.color.look_params import look
from agentic_styling.tools.transforms.color.spaces import luma_of, saturated
from agentic_styling.tools.transforms.conventions import Scene
from agentic_styling.tools.transforms.filters.blur import gaussian_blur
from agentic_styling.tools.transforms.media.finish import displace

sys.path.append(str(Path(__file__).parent / "benchmarks"))
import timing  # noqa: E402

ROOT = Path(__file__).parents[1]
SIZE, ROUNDS = 256, 5


class Row(NamedTuple):
    """why: in words; theirs, ours: functions of planes [3, H, W] that do the same, to be timed."""

    why: str
    theirs: Callable | None = None
    ours: Callable | None = None


HEAD = """# dm-pix

Transforms follow dm-pix's conventions: `f(image, ..., *, channel_axis=-1)`, the image first, float
in [0, 1], channels last unless `channel_axis` says otherwise, pure, batched by vmap and
differentiable. Any dm-pix function can take their place, and `tools.add_tool` makes one a tool
(`tests/tools/test_add_a_tool.py` does it with `dm_pix.solarize`).

"""


def _color(**fields) -> Callable:
    def run(planes):
        flat = jnp.zeros(planes.shape[1:])
        target = jnp.asarray(look(**fields))[None]
        return color_transform(planes, Scene(*[flat] * 4), 0 * target, target, jnp.ones(1))

    return run


def _last(function: Callable) -> Callable:
    """A function of [H, W, C] as one of planes."""
    return lambda planes: jnp.moveaxis(function(jnp.moveaxis(planes, 0, -1)), -1, 0)


def _shifts(planes):
    y = jnp.linspace(0.0, 6.0, planes.shape[1])[:, None]
    return 4 * jnp.sin(y), 4 * jnp.cos(y)


def _interpolated(planes):
    c, h, w = planes.shape
    dy, dx = _shifts(planes)
    y, x = jnp.arange(h)[:, None] + dy, jnp.arange(w)[None] + dx
    at = jnp.stack(jnp.broadcast_arrays(jnp.clip(y, 0, h - 1), jnp.clip(x, 0, w - 1)))
    read = functools.partial(
        dm_pix.flat_nd_linear_interpolate, coordinates=at, unflattened_vol_shape=(h, w)
    )
    return jax.vmap(read)(planes.reshape(c, -1))


_RANDOM = "an augmentation by a key; plans are exact, and seeds are hashes of places"
_VARIES = "varies the crops of training pictures, on the device"
_METRIC = "a metric: tests and reports"
ROWS = {
    "adjust_brightness": Row(
        "x + delta is the same operation",
        lambda x: dm_pix.adjust_brightness(x, 0.1),
        lambda x: x + 0.1,
    ),
    "adjust_contrast": Row(
        "clips; looks bend soft logits and can be taken off again",
        lambda x: dm_pix.adjust_contrast(x, 1.5, channel_axis=0),
        _color(contrast=0.4),
    ),
    "adjust_gamma": Row(
        "below 1 its slope is not finite at black; looks bend soft logits",
        lambda x: dm_pix.adjust_gamma(x, 0.7),
        _color(exposure=0.4),
    ),
    "adjust_hue": Row(
        "no option turns hues; added as a tool it needs ten lines",
        lambda x: dm_pix.adjust_hue(x, 0.1, channel_axis=0),
    ),
    "adjust_saturation": Row(
        "its hue compares floats, which jit may round twice; ours scales without a hue",
        lambda x: dm_pix.adjust_saturation(x, 1.5, channel_axis=0),
        lambda x: saturated(x, 1.5),
    ),
    "affine_transform": Row(
        "one picture of rank 3 at a time; no option turns or moves a picture as a whole"
    ),
    "center_crop": Row("cuts off the border that a blur by FFT adds; no option crops"),
    "depth_to_space": Row("blocks are reshapes of planes"),
    "elastic_deformation": Row(
        "sigma is static and the noise is by a key; ours displaces by noise hashed from places",
        _last(lambda x: dm_pix.elastic_deformation(jax.random.key(0), x, 8.0, 2.0)),
        lambda x: displace(x, *_shifts(x)),
    ),
    "extract_patches": Row("blocks are reshapes of planes, which copy nothing"),
    "flat_nd_linear_interpolate": Row(
        "the colours of triangles; over whole pictures ours gathers with less work",
        _interpolated,
        lambda x: displace(x, *_shifts(x)),
    ),
    "flat_nd_linear_interpolate_constant": Row("the border is repeated, never a constant"),
    "flip_left_right": Row("no option mirrors a picture"),
    "flip_up_down": Row("no option mirrors a picture"),
    "gaussian_blur": Row(
        "pads with zeros, so borders darken; the kernel's size is static",
        _last(lambda x: dm_pix.gaussian_blur(x, 2.0, 17)),
        lambda x: gaussian_blur(x, 2.0, channel_axis=0),
    ),
    "hsl_to_rgb": Row("HSV's saturation is scaled without a hue"),
    "hsv_to_rgb": Row("saturation is scaled without a hue"),
    "mae": Row(_METRIC),
    "mse": Row(_METRIC),
    "pad_to_size": Row("repeats a blur's border; jnp.pad where sides differ or rank is 2"),
    "psnr": Row(_METRIC + "; infinite at equality"),
    "resize_with_crop_or_pad": Row("plans keep a picture's size"),
    "rgb_to_grayscale": Row(
        "its weights sum to 0.9999, so white would not stay white",
        lambda x: dm_pix.rgb_to_grayscale(x, channel_axis=0),
        luma_of,
    ),
    "rgb_to_hsl": Row("its slope is not finite on grey; HSV's saturation is scaled"),
    "rgb_to_hsv": Row("its hue compares floats, which jit may round twice"),
    "rmse": Row(_METRIC + "; its slope is not finite at equality"),
    "rot90": Row("no option turns a picture"),
    "rotate": Row(
        "static angle, one picture of rank 3; lenses bend about the middle instead",
        _last(lambda x: dm_pix.rotate(x, 0.1)),
        lambda x: distort(x, 0.2, channel_axis=0),
    ),
    "simse": Row(_METRIC + "; scale-invariant"),
    "solarize": Row("blocks of a damaged video", lambda x: dm_pix.solarize(x, 0.5)),
    "space_to_depth": Row("blocks are reshapes of planes"),
    "ssim": Row(_METRIC),
} | {name: Row(_RANDOM) for name in dir(dm_pix) if name.startswith("random_")}
ROWS |= dict.fromkeys(
    ("random_brightness", "random_contrast", "random_flip_left_right"), Row(_VARIES)
)


def public_functions() -> list[str]:
    """The names of dm-pix's public functions."""
    return sorted(n for n, f in inspect.getmembers(dm_pix, inspect.isfunction) if n[0] != "_")


def used_in(name: str) -> list[str]:
    """The files of the package, or else of the tests, that call a function of dm-pix."""
    call = re.compile(rf"dm_pix\.{name}\b")
    for folder in ("agentic_styling", "tests"):
        files = sorted((ROOT / folder).rglob("*.py"))
        paths = [str(p.relative_to(ROOT)) for p in files if call.search(p.read_text())]
        if paths:
            return paths
    return []


def time_ratio(row: Row, planes: jax.Array) -> float | None:
    """How many times as fast as ours dm-pix's function is, both jitted, in turn; None for one."""
    if row.ours is None or row.theirs is None:
        return None
    runs = [jax.jit(row.ours), jax.jit(row.theirs)]
    for run in runs:
        jax.block_until_ready(run(planes))
    ratios = []
    for _ in range(ROUNDS):
        seconds = [_seconds(run, planes) for run in runs]
        ratios.append(seconds[0] / seconds[1])
    return statistics.median(ratios)


def _seconds(run, planes) -> float:
    """The least of four calls."""
    return min(timing.seconds(lambda: jax.block_until_ready(run(planes))) for _ in range(4))


def finite_slope(row: Row) -> bool | None:
    """Whether dm-pix's function has finite gradients on black, grey and white."""
    if row.theirs is None:
        return None
    bars = jnp.broadcast_to(jnp.array([0.0, 0.5, 1.0]).repeat(8), (3, 24, 24))
    return bool(np.isfinite(jax.jit(jax.grad(lambda x: jnp.sum(row.theirs(x))))(bars)).all())


def edge_of_ones(row: Row) -> float | None:
    """The least value that dm-pix's blur, turn or warp makes of a picture of ones."""
    if row.theirs is None:
        return None
    return float(jnp.min(row.theirs(jnp.ones((3, 48, 64)))))


def table() -> str:
    """The page as Markdown."""
    names = public_functions()
    if missing := set(names) ^ set(ROWS):
        raise SystemExit(
            f"ROWS: {sorted(missing)} differ from dm-pix's functions; add or remove them"
        )
    photograph = resize(skimage.data.astronaut(), (SIZE, SIZE), anti_aliasing=True)
    planes = jnp.asarray(np.moveaxis(photograph, -1, 0), jnp.float32)
    rows = []
    for name in names:
        row = ROWS[name]
        ratio, finite = time_ratio(row, planes), finite_slope(row)
        notes = [row.why]
        if finite is False:
            notes.append("gradient not finite on black, grey or white")
        if name == "gaussian_blur":
            notes.append(f"ones become {edge_of_ones(row):.2f} in a corner")
        where = ", ".join(f"`{path}`" for path in used_in(name)) or "not used"
        speed = "" if ratio is None or not math.isfinite(ratio) else f"{ratio:.2g}"
        rows.append([f"`{name}`", where, "; ".join(notes), speed])
    head = ["function", "used in", "reason", "speed against ours"]
    return (
        HEAD + "Every public function of dm-pix and where it is used, written by "
        "`python experiments/dm_pix_table.py --out docs/dm_pix.md`.\n\n"
        f"{timing.machine('jax', 'dm-pix', 'numpy')}. Speeds at {SIZE} x {SIZE} pixels, medians of "
        f"{ROUNDS} rounds in turn; above 1 dm-pix is faster than what is used in its place.\n\n"
        + timing.table(head, rows)
        + "\n"
    )


def main() -> None:
    """Print the page, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="the page to write, such as docs/dm_pix.md")
    args = parser.parse_args()
    page = table()
    if args.out:
        args.out.write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
