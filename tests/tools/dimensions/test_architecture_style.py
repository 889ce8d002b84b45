"""Styles of building by number: palette, local contrast and the relief of materials."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from agentic_styling.tools.dimensions import architecture_style
from agentic_styling.tools.plans.vocabulary import VOCABULARY
from agentic_styling.tools.transforms.filters.materials import MATERIALS, relief_of
from tests.tools.dimensions.styled import (
    drawn,
    lab,
    nearest_pair,
    options_of,
    photograph,
    scene_of,
    styled,
)

TOOL = "architecture_style"
STYLES = VOCABULARY[TOOL].parameters["target_style"].values
VALUES = VOCABULARY[TOOL].parameters["material_type"].values
DRAW = architecture_style.RENDERERS[0]
PLAIN = "renaissance_classical"  # draws nothing of its own


def built_as(style=PLAIN, name="china", **given):
    return styled(TOOL, name, target_style=style, **given)


RELIEF = jax.jit(relief_of, static_argnums=(1, 2))


def relief(material):
    return np.asarray(RELIEF(VALUES.index(material), 192, 192, 5))


def test_no_two_styles_look_alike():
    pictures = {style: built_as(style) for style in STYLES}
    pictures["the photograph"] = np.asarray(photograph("china"))
    difference, *pair = nearest_pair(pictures)
    assert difference > 2.5, pair


def test_no_two_materials_look_alike():
    pictures = {material: built_as(material_type=material) for material in VALUES}
    difference, *pair = nearest_pair(pictures)
    assert difference > 1.2, pair


def test_detail_is_local_contrast():
    fine = []
    for level in ("minimal", "moderate", "ornate"):
        light = lab(built_as(detail_level=level))[0]
        fine.append((light - gaussian_filter(light, 3)).std() / light.std())
    assert fine[1] > 1.1 * fine[0] and fine[2] > 1.1 * fine[1], fine


def test_brutalism_is_grey_and_greece_has_a_blue_sky():
    def chroma(image):
        return np.hypot(*lab(image)[1:])

    gray = built_as("brutalist_concrete", "astronaut")
    assert chroma(gray).mean() < 0.6 * chroma(photograph("astronaut")).mean()
    sky = np.asarray(scene_of("china").sky) > 0.9
    before, after = (
        lab(p)[2][sky].mean() for p in (photograph("china"), built_as("greek_classical"))
    )
    assert after < before - 7


@pytest.mark.parametrize("material", ["stone", "brick", "glass"])
def test_a_material_lies_on_walls_and_not_on_the_sky_or_a_face(material):
    options = options_of(TOOL, target_style=PLAIN, material_type=material)

    def change(name, where):
        image, scene = photograph(name), scene_of(name)
        new = drawn(DRAW, image, scene, options, jnp.uint32(1))
        return float(np.abs(np.asarray(new - image)).mean(0)[where].mean())

    sky = np.asarray(scene_of("china").sky) > 0.95
    walls = (slice(60, 100), slice(10, 50))
    face = (slice(20, 40), slice(48, 66))
    on_walls = change("china", walls)
    assert on_walls > 0.008
    assert change("china", sky) < 0.002
    assert change("astronaut", face) < 0.5 * on_walls


def test_grain_of_wood_is_upright_and_that_of_brushed_metal_level():
    for material, axis in (("wood", 1), ("metal", 0)):
        field = relief(material)
        across, along = (np.abs(np.diff(field, axis=a)).mean() for a in (axis, 1 - axis))
        assert across > 1.5 * along, material


def test_bricks_are_laid_in_thirty_courses():
    rows = relief("brick").mean(1)
    spectrum = np.abs(np.fft.rfft(rows - rows.mean()))
    assert np.argmax(spectrum) == 30


def test_reliefs_are_about_even_and_bounded():
    assert tuple(MATERIALS) == VALUES
    for material in VALUES:
        field = relief(material)
        assert abs(field.mean()) < 0.35 and np.abs(field).max() < 3, material
        assert (field.std() > 0.15) == (material != "mixed"), material


def test_level_and_upright_edges_are_built_and_slanting_ones_are_not():
    y, x = np.mgrid[:128, :128]
    level = (np.sin(y / 3) > 0).astype(np.float32)
    slanting = (np.sin((x + y) / 4.2) > 0).astype(np.float32)
    built, other = (
        np.asarray(jax.jit(architecture_style._built)(jnp.asarray(np.stack([p] * 3))))
        for p in (level, slanting)
    )
    assert built[30:-30, 30:-30].min() > 0.9 and other[30:-30, 30:-30].max() < 0.1


def test_nothing_is_drawn_where_nothing_is_asked_for():
    plain = options_of(TOOL, target_style=PLAIN)
    same = options_of(TOOL, source_style="medieval_stone", target_style="medieval_stone")
    wooden = options_of(TOOL, target_style=PLAIN, material_type="wood")
    found = [int(architecture_style.renderer_of(options)) for options in (plain, same, wooden)]
    assert found == [-1, -1, 0]


@pytest.mark.slow
def test_gradients_are_finite_on_black_grey_and_white():
    options = options_of(TOOL, target_style="cyberpunk_neon", material_type="marble")

    scene = jax.tree.map(lambda m: m[:24, :32] if m.ndim else m, scene_of("china"))

    @jax.jit
    @jax.grad
    def gradient(image):
        return jnp.sum(DRAW(image, scene, options, jnp.uint32(1), channel_axis=0))

    for value in (0.0, 0.5, 1.0):
        assert np.isfinite(gradient(jnp.full((3, 24, 32), value))).all()
