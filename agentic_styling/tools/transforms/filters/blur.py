"""Blurs with traced widths; the border is repeated, so no edge gets dark.

dm-pix's Gaussian pads with zeros and is 10 to 70 times slower on a CPU (docs/dm_pix.md).
"""

import functools
import math
import numbers

import dm_pix
import jax
import jax.numpy as jnp

from agentic_styling.tools.transforms.conventions import image_transform

# On a CPU a traced blur is chosen among shifted sums out to these radii, and for a Gaussian then
# grids of these strides, from the sigmas that they are exact for.
_RADII = (9, 23)
_STRIDES = {4: 5.75, 8: 11.5}


@image_transform
def gaussian_blur(image: jax.Array, sigma: jax.Array | float) -> jax.Array:
    """Blurs by a Gaussian; the border is repeated.

    Equals OpenCV's GaussianBlur with BORDER_REPLICATE to 1e-4 (it cuts the tails at 4 sigma). On a
    CPU the method is chosen by sigma, at trace time for a Python number; under vmap a traced sigma
    for each image runs every method there, so map over images instead. Accelerators multiply with
    band matrices.

    Args:
      image: float [H, W, C].
      sigma: in pixels, a number or traced; 0 is the identity.
    """
    bounds = (2.25, *_STRIDES.values())
    if _is_static(sigma) and sigma <= bounds[1]:
        on_cpu = _by_shifted_sums(max(math.ceil(4 * sigma), 1))
    else:
        ways = [_by_shifted_sums(radius) for radius in _RADII]
        on_cpu = _one_of(ways + [_by_coarse_grid(stride) for stride in _STRIDES], bounds, sigma)
    width = jnp.maximum(jnp.asarray(sigma, jnp.float32), 0.1)
    return _differentiable(image, width, on_cpu, _by_gaussian_matrices)


def _is_static(width) -> bool:
    return isinstance(width, numbers.Real)


def _one_of(ways, bounds, width):
    """The way for a width: the first up to bounds[0], ...; known now, or chosen as it runs."""

    def index(width):
        return sum((width > bound) * 1 for bound in bounds)

    if _is_static(width):
        return ways[index(width)]
    return lambda planes, width: jax.lax.switch(index(width), ways, planes, width)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _differentiable(planes, width, on_cpu, by_matrices):
    return jax.lax.platform_dependent(planes, width, cpu=on_cpu, default=by_matrices)


def _forward(planes, width, on_cpu, by_matrices):
    return _differentiable(planes, width, on_cpu, by_matrices), (planes, width)


def _backward(on_cpu, by_matrices, saved, cotangent):
    # The gradient of shifted sums is a sum of padded planes: slow to compile and to run.
    return jax.vjp(by_matrices, *saved)[1](cotangent)


_differentiable.defvjp(_forward, _backward)


def _gaussian(distance, sigma):
    return jnp.exp(-0.5 * (distance / sigma) ** 2)


def _by_shifted_sums(radius: int):
    def blur(image, sigma):
        weights = _gaussian(jnp.arange(radius + 1), sigma)
        weights = weights / (2 * jnp.sum(weights) - weights[0])
        # Padded for both ways at once: to pad takes as long as a pass.
        planes = _pad_edge(image, radius)
        for axis in (1, 2):
            size = image.shape[axis]
            out = weights[0] * _window(planes, radius, size, axis)
            for d in range(1, radius + 1):
                before, after = (_window(planes, radius + at, size, axis) for at in (-d, d))
                out = out + weights[d] * (before + after)
            planes = out
        return planes

    return blur


def _window(x, start, size, axis):
    return jax.lax.slice_in_dim(x, start, start + size, axis=axis)


def _pad_edge(image, radius: int):
    # Not with zeros: XLA fuses that into every slice, and the time becomes quadratic.
    height, width = (n + 2 * radius for n in image.shape[1:])
    return dm_pix.pad_to_size(image, height, width, mode="edge", channel_axis=0)


def _by_coarse_grid(stride: int):
    """Two Gaussians, sampled between every `stride` pixels: down to that grid, and up again.

    With both at least `stride` wide the samples add up to one Gaussian, to 1e-4 of the contrast.
    """
    beyond = 4  # cells outside the picture that the way up still sees

    def blur(image, sigma):
        down = jnp.sqrt(jnp.maximum(sigma**2 - stride**2, stride**2))
        pairs = []
        for n in image.shape[1:]:
            cells = (jnp.arange(-(-n // stride) + 2 * beyond) - beyond + 0.5) * stride - 0.5
            up = _gaussian(jnp.arange(n)[:, None] - cells, stride)
            pairs.append((_gaussian_matrix(cells, n, down), up / jnp.sum(up, 1, keepdims=True)))
        (down_y, up_y), (down_x, up_x) = pairs
        return _product(up_y, _product(down_y, image, down_x), up_x)

    return blur


def _by_gaussian_matrices(image, sigma):
    rows, columns = (_gaussian_matrix(jnp.arange(n), n, sigma) for n in image.shape[1:])
    return _product(rows, image, columns)


def _product(rows, image, columns):
    """rows @ plane @ columns.T for every plane."""
    highest = jax.lax.Precision.HIGHEST
    out = jnp.einsum("mh,chw->cmw", rows, image, precision=highest)
    return jnp.einsum("nw,cmw->cmn", columns, out, precision=highest)


def _gaussian_matrix(at, n: int, sigma):
    """Weights [len(at), n] of a line's pixels in a Gaussian at `at`; the outer ones repeated."""
    pixels = jnp.arange(n)
    weights = _gaussian(at[:, None] - pixels, sigma)
    before, after = _tail(at, sigma)[:, None], _tail(n - 1 - at, sigma)[:, None]
    weights = weights + before * (pixels == 0) + after * (pixels == n - 1)
    return weights / jnp.sum(weights, axis=1, keepdims=True)


def _tail(distance, sigma):
    """The sum of a Gaussian's weights at distance + 1, distance + 2, ...

    Eight terms, then the integral with the midpoint rule's correction: exact for any sigma.
    """
    near = _gaussian(distance[:, None] + jnp.arange(1, 9), sigma)
    start = distance + 8.5
    rest = jax.scipy.special.erfc(start / (sigma * 2**0.5)) * sigma * (jnp.pi / 2) ** 0.5
    return jnp.sum(near, axis=1) + rest - start / (24 * sigma**2) * _gaussian(start, sigma)


@image_transform
def motion_blur(image, length, angle=0.0):
    """Blurs along a line, as a moving camera does.

    Args:
      image: float [H, W, C].
      length: in pixels, at most a quarter of the shorter side (more is clipped), soft to half a
        pixel at its ends.
      angle: radians from the x axis towards the y axis, which points down.
    """
    sine, cosine = jnp.sin(angle), jnp.cos(angle)
    half = jnp.clip(length, 1.0, min(image.shape[1:]) / 4) / 2

    def line(y, x):
        along, across = jnp.abs(y * sine + x * cosine), jnp.abs(y * cosine - x * sine)
        return jnp.clip(half + 0.5 - along, 0.0, 1.0) * jnp.clip(1 - across, 0.0, 1.0)

    return _convolve(image, line)


def _convolve(image, kernel):
    """[C, H, W] by a symmetric kernel(y, x) no wider than a quarter of the shorter side, by FFT."""
    h, w = image.shape[1:]
    margin = min(h, w) // 8 + 2
    planes = _pad_edge(image, margin)
    size = planes.shape[1:]
    y, x = (jnp.minimum(jnp.arange(n), n - jnp.arange(n)) for n in size)
    y, x = (jnp.where(jnp.arange(n) > n // 2, -v, v) for n, v in zip(size, (y, x), strict=True))
    weights = kernel(*jnp.meshgrid(y.astype(jnp.float32), x.astype(jnp.float32), indexing="ij"))
    spectrum = jnp.fft.rfft2(planes) * jnp.fft.rfft2(weights / jnp.sum(weights))
    return dm_pix.center_crop(jnp.fft.irfft2(spectrum, size), h, w, channel_axis=0)


def small_blur(planes: jax.Array, sigma: jax.Array | float) -> jax.Array:
    """A Gaussian blur of small planes [..., h, w] by two products, weights renormalised at the
    border. sigma: in pixels, a number or traced."""

    def matrix(n):
        at = jnp.arange(n, dtype=jnp.float32)
        weights = jnp.exp(-0.5 * ((at[:, None] - at) / sigma) ** 2)
        return weights / jnp.sum(weights, axis=1, keepdims=True)

    return matrix(planes.shape[-2]) @ (planes @ matrix(planes.shape[-1]).T)


def spread(planes: jax.Array, sigma: jax.Array | float) -> jax.Array:
    """`small_blur` with sigma in parts of the shorter side of planes [C, h, w]."""
    return small_blur(planes, sigma * min(planes.shape[-2:]))


def shift(image: jax.Array, dy: int, dx: int) -> jax.Array:
    """[C, H, W] moved by whole pixels (static), the border repeated."""
    h, w = image.shape[1:]
    padding = ((0, 0), (max(dy, 0), max(-dy, 0)), (max(dx, 0), max(-dx, 0)))
    return jnp.pad(image, padding, mode="edge")[:, max(-dy, 0) :, max(-dx, 0) :][:, :h, :w]
