"""Art movements: what each does to a picture in any medium, a kernel a kind."""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.color.look_params import rgb
from agentic_styling.tools.transforms.color.spaces import luma_of, saturated
from agentic_styling.tools.transforms.filters.blur import gaussian_blur
from agentic_styling.tools.transforms.filters.fields import enlarge, hash_noise, pixel_grid, shrink
from agentic_styling.tools.transforms.filters.screens import contours, halftone, posterize
from agentic_styling.tools.transforms.filters.smoothing import flatten
from agentic_styling.tools.transforms.filters.surfaces import lattice_noise, relief, wave
from agentic_styling.tools.transforms.media.finish import displace, light
from agentic_styling.tools.transforms.media.low_poly import fill, mesh_of
from agentic_styling.tools.transforms.media.palette import flat_areas, palette_of
from agentic_styling.tools.transforms.media.strokes import Brush, paint_strokes

# A brush, relief, and how far the strokes cover the medium.
_BRUSHES = {
    "impressionism": ((0.62, 0.3, 1.25, 0.5, 0.30, 0.95, 0.65, 0.06, 0.25), 0.35, 0.95),
    "post_impressionism": ((0.96, 0.2, 1.1, 0.55, 0.16, 1.0, 0.55, 0.0, 1.0), 0.7, 1.0),
    "expressionism": ((0.93, 0.36, 0.45, 0.9, 0.22, 1.0, 0.75, 0.2, 0.5), 0.5, 1.0),
}


DABS = tuple(_BRUSHES)


def dabs(image: jax.Array, movement: jax.Array, texture: jax.Array, seed: jax.Array):
    """Broken colour, swirling or violent strokes over [3, H, W]; index into _BRUSHES."""
    table = np.array([(*row[0], *row[1:]) for row in _BRUSHES.values()], np.float32)
    row = jnp.asarray(table)[movement]
    brush, (rise, cover) = Brush(*row[:9]), row[9:]
    violent = jnp.where(movement == 2, 1.0, 0.0)
    height, width = image.shape[1:]
    short = min(height, width)

    def lean():
        dy = (lattice_noise(height, width, 4, seed + 3) - 0.5) * 0.07 * short
        dx = (lattice_noise(height, width, 4, seed + 4) - 0.5) * 0.12 * short
        return displace(image, dy, dx)

    model = jax.lax.cond(violent > 0, lean, lambda: image)
    painted, paint = paint_strokes(model, _under(model), brush, seed, layers=(1, 2))
    painted = light(painted, rise * 0.5 * texture * relief(2.0 * paint))
    return model + cover * (painted - model)


def _under(image):
    """The wash beneath the strokes: the picture without detail."""
    factor = max(1, round(min(image.shape[1:]) / 64))
    return enlarge(shrink(image, factor), factor, *image.shape[1:])


def facets(image: jax.Array, _: jax.Array, texture: jax.Array, seed: jax.Array):
    """Cubism: large planes, each seen from its own side, shaded across."""
    height, width = image.shape[1:]
    short = min(height, width)
    mesh = mesh_of(image, 6, seed)
    rows, columns = mesh.triangles.shape[:2]
    grid = jnp.arange(rows)[:, None, None] * 2 + jnp.arange(2), jnp.arange(columns)[None, :, None]
    noise = [hash_noise(*jnp.broadcast_arrays(*grid), seed + k) for k in range(5)]
    center = jnp.moveaxis(jnp.mean(mesh.triangles, axis=-2), -1, 0)
    numbers = jnp.concatenate([jnp.stack(noise), center / short])
    n = fill(mesh, numbers, height, width)
    y, x = (v * 1.0 for v in pixel_grid(height, width))
    v, u = y - n[5], x - n[6]
    zoom = 0.25 * (n[2] - 0.5)
    dy = (n[0] - 0.5) * 0.10 - zoom * v + 0.35 * (n[3] - 0.5) * u
    dx = (n[1] - 0.5) * 0.10 - zoom * u - 0.35 * (n[3] - 0.5) * v
    seen = displace(image, dy * short, dx * short)
    slant = (n[3] - 0.5) * v + (n[4] - 0.5) * u
    shade = 0.16 * (n[4] - 0.5) + 2.2 * slant * (0.5 + 0.5 * texture)
    out = seen + jnp.clip(shade, -0.3, 0.3) * (0.15 + seen * (1.1 - seen) * 2.2)
    padded = jnp.pad(n[0], 1, mode="edge")
    change = jnp.abs(padded[2:, 1:-1] - n[0]) + jnp.abs(padded[1:-1, 2:] - n[0])
    line = gaussian_blur(jnp.clip(change * 6, 0, 1)[None], max(0.5, short / 500), channel_axis=0)
    return out * (1 - 0.38 * jnp.clip(line, 0, 1))


def dream(image: jax.Array, _: jax.Array, texture: jax.Array, seed: jax.Array):
    """Surrealism: forms that flow and melt downwards, in a glowing light."""
    height, width = image.shape[1:]
    short = min(height, width)
    y, x = pixel_grid(height, width)
    turn = lattice_noise(height, width, 3, seed) - 0.5
    melt = lattice_noise(height, width, 4, seed + 1)
    drip = jnp.clip(melt - 0.35, 0.0, 1.0) * jnp.clip(y * 1.3 - 0.1, 0, 1)
    dy = 0.05 * wave(1.3 * x + turn) - 0.32 * drip * drip
    dx = 0.05 * wave(1.1 * y + 0.4 + turn) + 0.05 * turn
    warped = displace(image, dy * short, dx * short)
    factor = max(1, round(short / 96))
    small = shrink(warped, factor)
    wide = enlarge(gaussian_blur(small, 4.0, channel_axis=0), factor, height, width)
    glow = 1 - (1 - warped) * (1 - 0.45 * wide * wide)
    gold = jnp.array([1.0, 0.84, 0.55])[:, None, None]
    teal = jnp.array([0.55, 0.85, 0.92])[:, None, None]
    rise = (y / (height / short))[None]
    lit = glow * (gold + (teal - gold) * jnp.clip(1.25 * rise - 0.1, 0, 1)) ** 0.55
    return lit + 0.1 * (wide - 0.3) * texture * (1 - lit)


def action(image: jax.Array, _: jax.Array, texture: jax.Array, seed: jax.Array):
    """Abstract expressionism: wide gestures, thrown and dripping paint in the picture's colours."""
    height, width = image.shape[1:]
    brush = Brush(*(jnp.float32(v) for v in (0.96, 0.27, 0.15, 1.2, 0.3, 1.0, 0.35, 0.1, 0.9)))
    out, paint = paint_strokes(image, _under(image), brush, seed, layers=(0,))
    colors, _ = palette_of(image, jnp.int32(6))
    y, x = pixel_grid(height, width)
    bend = 0.06 * (lattice_noise(height, width, 5, seed + 1) - 0.5)
    rough = 0.02 * (lattice_noise(height, width, 50, seed + 2) - 0.5)
    inks = jnp.array([[0.05, 0.05, 0.06], [0.96, 0.94, 0.88]])
    inks = jnp.concatenate([inks, colors[:, 1:3].T])

    def throw(carry, k):
        frequency = 7.0 + 5.0 * k.astype(jnp.float32)
        return carry, _blots(y + bend + rough, x + bend - rough, frequency, seed + 10 * k)

    # A scan, as XLA on CPU would find the blots again for every plane.
    _, blots = jax.lax.scan(throw, 0, jnp.arange(len(inks), dtype=jnp.uint32))
    for blot, ink in zip(blots, inks, strict=True):
        ink = jnp.clip(ink + 0.35 * (ink - jnp.mean(ink)), 0, 1)[:, None, None]
        out = out + blot * (ink - out)
        paint = paint + 0.5 * blot * (1 - paint)
    return light(jnp.clip(out, 0, 1), 0.5 * texture * relief(2.0 * paint))


def _blots(y, x, frequency, seed):
    """Splashes and the drips that run down from them [H, W], in [0, 1]."""
    # Cells are narrow and tall: a drip falls within its own.
    v, u = y * frequency / 2.6, x * frequency
    row, column = jnp.floor(v), jnp.floor(u)
    noise = [hash_noise(row, column, seed + k) for k in range(5)]
    dy, dx = (v - row - 0.12 - 0.1 * noise[0]) * 2.6, u - column - 0.35 - 0.3 * noise[1]
    size = 0.04 + 0.24 * noise[2] ** 3
    there = jnp.where(noise[3] < 0.4, 1.0, 0.0)
    round_ = size - jnp.sqrt(dy * dy + dx * dx + 1e-6)
    run = 0.5 + 1.6 * noise[4]
    taper = 0.35 * size * (1.15 - jnp.clip(dy / run, 0.0, 1.0))
    drip = jnp.minimum(taper - jnp.abs(dx), jnp.minimum(dy, run - dy))
    return jnp.clip(jnp.maximum(round_, drip) * 40 + 0.5, 0.0, 1.0) * there


# Colours of the palette; tones; lines; dots; gold; vivid; wild.
_GRAPHICS = {
    "fauvism": (12, 0.0, 0.8, 0.0, 0.0, 0.9, 1.0),
    "pop_art": (7, 0.0, 0.9, 1.0, 0.0, 1.1, 0.0),
    "minimalism": (4, 0.0, 0.0, 0.0, 0.0, -0.25, 0.0),
    "art_nouveau": (11, 0.0, 1.0, 0.0, 0.15, -0.15, 0.0),
    "art_deco": (5, 4.0, 0.35, 0.0, 1.0, 0.0, 0.0),
}
GRAPHICS = tuple(_GRAPHICS)
_GOLDS = np.stack([rgb(c) for c in ("#08090d", "#1d2b33", "#8a6a2c", "#dcb864", "#f7ecc9")])


def graphic(image: jax.Array, movement: jax.Array, texture: jax.Array, seed: jax.Array):
    """Flat colour with drawn contours on [3, H, W]: posters and prints; index into _GRAPHICS."""
    row = jnp.asarray(np.array(list(_GRAPHICS.values()), np.float32))[movement]
    count, tones, lines, dots, gold, vivid, wild = row
    height, width = image.shape[1:]
    short = min(height, width)
    plain = flatten(image)
    plain = jnp.where(movement == 2, gaussian_blur(plain, short / 60, channel_axis=0), plain)
    factor = max(1, round(short / 256))
    small = shrink(plain, factor)
    out = flat_areas(small, palette_of(small, count), factor, height, width)
    grey = luma_of(out)
    out = saturated(out, 1 + vivid)
    # Wild colour: tone decides the hue, and the picture's own hue pulls at it.
    hues = jnp.stack([wave(grey * 1.5 + k / 3 + 0.55) for k in (0.0, -1.0, 1.0)])
    out = jnp.clip(out + wild * 0.32 * hues * (0.35 + 2.2 * grey * (1 - grey)), 0, 1)
    out = out + gold * (_gilded(plain, jnp.maximum(tones, 2.0), gold, height, width) - out)
    tone = luma_of(plain)
    screen = halftone(jnp.clip(1.05 - 1.15 * tone, 0, 0.85), 58.0, 0.4)
    pale = out + 0.5 * dots * (1 - out) * jnp.clip(3 * tone - 0.3, 0, 1)
    out = pale + dots * screen * 0.75 * (out * jnp.array([0.95, 0.25, 0.5])[:, None, None] - pale)
    ink = contours(tone, max(0.6, short / 260))
    line = jnp.array([0.09, 0.06, 0.10])[:, None, None]
    navy = jnp.array([0.04, 0.08, 0.36])[:, None, None]
    line = line + wild * (navy - line)
    grain = lattice_noise(height, width, 160, seed)
    ink = jnp.clip(lines * (1.6 * ink - 0.2), 0, 0.95)
    out = out + ink * (line - out)
    return out + 0.07 * (texture - 0.5) * (grain - 0.5)


def _gilded(plain, tones, gold, height, width):
    """Steps of black, teal and gold, with the rays of a sunburst in the light tones."""
    y, x = pixel_grid(height, width)
    v, u = y - height / min(height, width), x - 0.5 * width / min(height, width)
    turns = u / (jnp.abs(u) - v + 0.05)  # about the angle, without an arctangent a pixel
    rays = jnp.clip(wave(turns * 8) * 6, -1, 1)
    tone = luma_of(plain)
    mean = jnp.mean(tone)
    tone = jnp.clip(0.5 + 1.15 * (tone - mean) + 0.04 * rays, 0, 1)
    steps = posterize(tone, tones + 1, 0.15) * (len(_GOLDS) - 1)
    weights = [jnp.clip(1 - jnp.abs(steps - k), 0, 1) for k in range(len(_GOLDS))]
    metal = sum(w * jnp.asarray(c)[:, None, None] for w, c in zip(weights, _GOLDS, strict=True))
    keep = 0.25 + 0.75 * jnp.where(gold > 0.5, 1.0, 0.0)
    return plain + keep * (metal - plain)


def chiaroscuro(image: jax.Array, movement: jax.Array, texture: jax.Array, seed: jax.Array):
    """Baroque (0): one light in the dark. Renaissance (1): sfumato, an even glow, old varnish."""
    height, width = image.shape[1:]
    short = min(height, width)
    soft = gaussian_blur(image, short / 90, channel_axis=0)
    y, x = pixel_grid(height, width)
    v, u = y / (height / short), x / (width / short)
    beam = jnp.exp(-(((v - 0.45) / 0.42) ** 2) - ((u - 0.47) / 0.36) ** 2)
    beam = jnp.maximum(beam, 0.55 * jnp.clip(1 - 2.2 * jnp.abs(u - v * 0.8), 0, 1) * (1 - v))
    deep = image * (0.16 + 1.15 * beam)
    deep = deep * deep * (3 - 2 * jnp.clip(deep, 0, 1)) * 0.6 + 0.45 * deep
    warm = jnp.array([1.08, 0.96, 0.74])[:, None, None]
    baroque = deep * warm
    smoke = 0.35 * image + 0.65 * soft
    smoke = 1 - (1 - smoke) * (1 - 0.22 * soft * soft)
    varnish = jnp.array([0.99, 0.92, 0.72])[:, None, None]
    sfumato = (0.06 + 0.9 * smoke) * varnish
    out = jnp.where(movement == 0, baroque, sfumato)
    cracks = _craquelure(y, x, lattice_noise(height, width, 60, seed + 1), seed)
    aged = texture * jnp.where(movement == 0, 0.10, 0.22)
    return jnp.clip(out * (1 - aged * cracks), 0, 1)


def _craquelure(y, x, noise, seed):
    """Fine cracks of old varnish [H, W]: borders of warped cells."""
    v, u = 17 * y + 0.5 * noise, 13 * x + 0.5 * noise
    first = jnp.abs(wave(v + 0.23 * wave(u * 0.7) + 0.1 * wave(2.3 * u)))
    second = jnp.abs(wave(u + 0.27 * wave(v * 0.6 + 0.3) + 0.1 * wave(1.9 * v)))
    return jnp.maximum(jnp.clip(1 - 9 * first, 0, 1), jnp.clip(1 - 9 * second, 0, 1))
