"""location_setting: the palette, air, light and ground of a place; it cannot build the place."""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.dimensions.options import Options, is_new
from agentic_styling.tools.transforms.color.look_params import look
from agentic_styling.tools.transforms.conventions import renderer
from agentic_styling.tools.transforms.ground import places

OPTIONS = Options("location_setting")
_HELD = 0.42  # of the change, on a foreground that is kept
LOOKS = OPTIONS.looks | {"preserve_foreground": {True: look(hold=_HELD)}}
_EXTENT = np.array([0.6, 1.0], np.float32)  # of a partial and of a complete replacement
LOOK_SCALES = {"replace_mode": _EXTENT}


_DRAWN = {
    "glow": places.draw_glow,
    "air": places.draw_air,
    "ground": places.draw_ground,
    "lava": places.draw_lava,
    "water": places.draw_water,
    "leaves": places.draw_leaves,
    "stars": places.draw_stars,
    "neon": places.draw_neon,
    "lamp": places.draw_lamp,
    "grass": places.draw_grass,
    "stones": places.draw_stones,
    "strata": places.draw_strata,
}
_ROWS = [OPTIONS.table("target_location", name) for name in _DRAWN]


def _renderer(draw, table: np.ndarray):
    """Less is drawn for a partial replacement, and on a foreground that is kept."""

    def partly(image, scene, options, seed):
        new = draw(image, scene, jnp.asarray(table)[options[1]], seed, channel_axis=0)
        kept = jnp.where(options[3] == 1, 1 - _HELD * scene.subject, 1.0)
        return image + jnp.asarray(_EXTENT)[options[2]] * kept * (new - image)

    return renderer(partly)


RENDERERS = tuple(map(_renderer, _DRAWN.values(), _ROWS))
_WANTED = np.stack([rows.reshape(len(rows), -1).any(axis=1) for rows in _ROWS])
_RENDERER = np.where(_WANTED.any(axis=0), _WANTED.argmax(axis=0), -1).astype(np.int32)


def renderer_of(options: jax.Array) -> jax.Array:
    """Index into RENDERERS of what the location needs, -1 for none or where it is there already."""
    return jnp.where(is_new(options), jnp.asarray(_RENDERER)[options[1]], -1)
