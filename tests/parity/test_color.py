"""Colour science's own numbers: the locus of lights, Bradford, Oklab, tetrahedra, .cube files."""

import numpy as np
import pytest
import skimage.data

from agentic_styling.tools.transforms.color.cube import read_cube, write_cube
from agentic_styling.tools.transforms.color.lut import apply_lut
from agentic_styling.tools.transforms.color.spaces import (
    LUMA,
    linear_to_oklab,
    linear_to_srgb,
    srgb_to_linear,
)
from agentic_styling.tools.transforms.color.white_balance import balance_matrix

pytestmark = pytest.mark.parity
colour = pytest.importorskip("colour", reason="colour-science is missing: the extra parity")

KELVINS = (2000, 2400, 2856, 3200, 4000, 5003, 5500, 6504, 7500, 9300, 12000, 18000, 25000)


@pytest.fixture(scope="module")
def image():
    return np.float32(skimage.data.astronaut()[::3, ::3] / 255).transpose(2, 0, 1)


def _light(kelvin):
    """x, y of daylight from 5000 K, of Planck's radiator up to 2856 K."""
    if kelvin >= 5000:
        return colour.temperature.CCT_to_xy_CIE_D(kelvin)
    uv = colour.temperature.CCT_to_uv_Planck1900(kelvin)
    return colour.UCS_uv_to_xy(uv)


@pytest.mark.parametrize("kelvin", [k for k in KELVINS if k <= 2856 or k >= 5000])
def test_balance_is_bradfords_from_the_standard_light(kelvin):
    """Within 2% of 1 or 2% of the value: daylight's locus is a curve of its own, ours is a line."""
    srgb = colour.RGB_COLOURSPACES["sRGB"]
    adapt = colour.adaptation.matrix_chromatic_adaptation_VonKries(
        colour.xy_to_XYZ(_light(kelvin)), colour.xy_to_XYZ([0.3127, 0.3290]), transform="Bradford"
    )
    matrix = srgb.matrix_XYZ_to_RGB @ adapt @ srgb.matrix_RGB_to_XYZ
    matrix /= LUMA @ matrix.sum(axis=1)
    np.testing.assert_allclose(balance_matrix(float(kelvin)), matrix, rtol=0.02, atol=0.02)


def test_oklab(image):
    linear = np.asarray(srgb_to_linear(image))
    theirs = colour.XYZ_to_Oklab(colour.sRGB_to_XYZ(image.transpose(1, 2, 0)))
    ours = np.asarray(linear_to_oklab(linear)).transpose(1, 2, 0)
    # Their matrix from XYZ is rounded otherwise than Ottosson's from linear sRGB.
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_transfer_function(image):
    linear = colour.models.eotf_sRGB(image.astype(np.float64))
    np.testing.assert_allclose(srgb_to_linear(image), linear, atol=1e-6)
    np.testing.assert_allclose(linear_to_srgb(np.float32(linear)), image, atol=1e-6)


def test_tetrahedra(image):
    table = np.random.default_rng(0).random((9, 9, 9, 3)).astype(np.float32)
    theirs = colour.algebra.table_interpolation_tetrahedral(image.transpose(1, 2, 0), table)
    ours = np.asarray(apply_lut(image, table)).transpose(1, 2, 0)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_cube_files_cross(tmp_path):
    table = np.random.default_rng(1).random((5, 5, 5, 3)).astype(np.float32)
    ours = tmp_path / "ours.cube"
    write_cube(ours, table, "a look", low=-0.5, high=[1.0, 1.5, 2.0])
    read = colour.io.read_LUT_IridasCube(str(ours))
    np.testing.assert_allclose(read.table, table, atol=1e-6)
    np.testing.assert_allclose(read.domain, [[-0.5] * 3, [1, 1.5, 2]], atol=1e-6)
    theirs = tmp_path / "theirs.cube"
    colour.io.write_LUT_IridasCube(read, str(theirs), decimals=8)
    cube = read_cube(theirs)
    np.testing.assert_allclose(cube.table, table, atol=1e-7)
    np.testing.assert_allclose(cube.high, [1, 1.5, 2])
