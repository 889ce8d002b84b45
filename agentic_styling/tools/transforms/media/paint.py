"""Paint in strokes: oil, acrylic, gouache, digital paint and pastel."""

import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.filters.screens import posterize
from agentic_styling.tools.transforms.filters.surfaces import paper, relief
from agentic_styling.tools.transforms.media.finish import Technique, light
from agentic_styling.tools.transforms.media.strokes import Brush, paint_strokes

# A brush (length, width, detail, bristle, jitter, opacity, follow, angle, swirl).
_BRUSHES = {
    "oil_painting_thick": (0.92, 0.36, 0.75, 0.8, 0.08, 1.0, 1.0, 0.12, 0.07),
    "oil_painting_smooth": (0.9, 0.3, 1.7, 0.25, 0.02, 0.75, 1.0, 0.12, 0.2),
    "acrylic_painting": (0.9, 0.42, 1.0, 0.35, 0.05, 1.0, 0.9, 0.1, 0.1),
    "gouache": (0.85, 0.5, 1.35, 0.1, 0.05, 0.95, 0.8, 0.02, 0.1),
    "digital_painting": (0.9, 0.4, 1.1, 0.12, 0.08, 0.85, 1.0, 0.1, 0.1),
    "pastel_drawing": (0.95, 0.22, 1.3, 0.7, 0.12, 0.85, 0.9, 0.13, 0.1),
}
# Relief of the paint, steps of tone, share of the plain picture, chalk: how far the paper shows
# through; crisp: fine detail put back last.
_PAINTS = {
    "oil_painting_thick": (1.0, 0, 0.0, 0.0, 0.0),
    "oil_painting_smooth": (0.25, 0, 0.45, 0.0, 0.0),
    "acrylic_painting": (0.5, 9, 0.0, 0.0, 0.0),
    "gouache": (0.05, 6, 0.25, 0.0, 0.0),
    "digital_painting": (0.15, 0, 0.1, 0.0, 0.9),
    "pastel_drawing": (0.1, 0, 0.2, 1.0, 0.35),
}
MEDIA = tuple(_BRUSHES)
_TABLE = np.array([_BRUSHES[name] + _PAINTS[name] for name in MEDIA], np.float32)
_PAPER = np.array([0.54, 0.49, 0.45], np.float32)[:, None, None]


def paint(image, plain, scene, medium, technique: Technique, texture, seed):
    """[3, H, W] painted in strokes; medium: index into MEDIA."""
    row = jnp.asarray(_TABLE)[medium]
    height, width = image.shape[1:]
    brush, (thick, levels, share, chalk, crisp) = Brush(*row[:9]), row[9:]
    brush = _use(brush, technique, texture)
    luma = luma_of(plain)
    tone = posterize(luma, jnp.maximum(levels, 2.0), 0.5)
    stepped = plain + 0.8 * (tone - luma)
    model = jnp.where(levels > 0, jnp.clip(stepped, 0, 1), image)
    painting, height_of_paint = paint_strokes(model, plain, brush, seed)
    target = jnp.where(levels > 0, model, 0.5 * (plain + image))
    share = jnp.minimum(share + 0.45 * technique.blending, 0.8)
    painting = painting + share * (target - painting)
    detail = jnp.clip(6 * jnp.abs(luma_of(image) - luma) - 0.15, 0.0, 1.0)
    painting = painting + crisp * detail * (image - painting)
    rise = thick * (1 + 1.2 * technique.impasto) * (1 - 0.7 * technique.glazing)
    rise = rise * (1 - technique.blending) * texture
    painting = light(painting, 0.55 * rise * relief(2.2 * height_of_paint))
    tooth = paper(height, width, seed + 60)
    covered = jnp.clip(0.95 - (tooth - 0.1) * (0.75 + 0.35 * texture), 0.0, 1.0)
    covered = covered + 0.4 * (height_of_paint - 0.5)
    # Toned paper, with some of the colour rubbed into it: no white grain in the dark.
    ground = 0.5 * _PAPER + 0.5 * plain
    chalked = ground + jnp.clip(covered, 0.0, 1.0) * (0.06 + 0.92 * painting - ground)
    return painting + chalk * jnp.minimum(texture + 0.1, 1.0) * (chalked - painting)


def _use(brush: Brush, technique, texture) -> Brush:
    """The brush as a technique holds it."""
    dots, lines = technique.stippling, technique.hatching
    length = brush.length * (1 - 0.66 * dots)
    width = brush.width * (1 - 0.5 * lines - 0.12 * dots) * (1 + 0.2 * technique.impasto)
    bristle = brush.bristle * (0.5 + 0.5 * texture) + technique.dry_brush - dots
    return brush._replace(
        length=length,
        width=jnp.minimum(width, 0.38),
        detail=brush.detail * (1 - 0.25 * technique.impasto) + 0.8 * dots + 0.3 * lines,
        bristle=jnp.clip(bristle - technique.blending - technique.wet_on_wet, 0.0, 1.3),
        jitter=brush.jitter * (1 - 0.8 * technique.blending) + 0.1 * dots,
        opacity=brush.opacity * (1 - 0.45 * technique.glazing - 0.3 * technique.wet_on_wet),
        follow=brush.follow * (1 - 0.9 * lines),
    )
