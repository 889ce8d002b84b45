"""Pictures of any colour space, depth and form are read as sRGB, and written so."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from agentic_styling.data import load_photos, read_photo
from agentic_styling.utils.pictures import SRGB, read_image, to_png

SIDE = 64
# Primaries of Display P3 and its curve, as by Apple's profile: XYZ adapted to D50.
P3 = [(0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)]
CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def fixed(*numbers):
    return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)


def icc_profile():
    """A profile of Display P3 with what the format requires."""
    white = (0.9642, 1.0, 0.8249)
    tags = {name: b"XYZ \0\0\0\0" + fixed(*xyz) for name, xyz in zip("rgb", P3, strict=True)}
    tags = {f"{name}XYZ".encode(): data for name, data in tags.items()}
    curve = b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + fixed(*CURVE)
    tags |= {f"{name}TRC".encode(): curve for name in "rgb"}
    tags[b"wtpt"] = b"XYZ \0\0\0\0" + fixed(*white)
    place, table, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name + struct.pack(">II", place + len(body), len(data))
        body += data
    head = struct.pack(
        ">I4sI4s4s4s", place + len(body), b"lcms", 4 << 24, b"mntr", b"RGB ", b"XYZ "
    )
    head += bytes(12) + b"acsp" + bytes(28) + fixed(*white)
    return head.ljust(128, b"\0") + table + body


def plain(color, mode="RGB"):
    return Image.new(mode, (SIDE, SIDE), color)


def stored(image, form, **options):
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def mean(picture):
    return np.asarray(read_image(picture), float).mean((0, 1)).round().tolist()


def test_a_colour_profile_is_applied_and_a_broken_one_ignored(tmp_path):
    red, profile = plain((234, 51, 35)), icc_profile()
    for form, options in (("JPEG", {"quality": 100, "subsampling": 0}), ("PNG", {})):
        data = stored(red, form, icc_profile=profile, **options)
        np.testing.assert_allclose(mean(data), (255, 0, 0), atol=2)
        for broken in (profile[:200], b"nonsense", profile.replace(b"RGB ", b"CMYK")):
            data = stored(red, form, icc_profile=broken, **options)
            np.testing.assert_allclose(mean(data), (234, 51, 35), atol=1)
    see_through = plain((234, 51, 35, 0), "RGBA")
    assert mean(stored(see_through, "PNG", icc_profile=profile)) == [255, 255, 255]
    (tmp_path / "p3.png").write_bytes(stored(red, "PNG", icc_profile=profile))
    np.testing.assert_allclose(read_photo(tmp_path / "p3.png")[0, 0], (255, 0, 0), atol=1)
    np.testing.assert_allclose(load_photos(tmp_path)[0].pixels[0, 0], (255, 0, 0), atol=1)


def test_what_is_written_has_the_profile_and_reads_back_unchanged():
    pixels = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    data = to_png(pixels)
    assert Image.open(io.BytesIO(data)).info["icc_profile"] == SRGB
    np.testing.assert_array_equal(read_image(data), pixels)


def transparent(png, value):
    """The bytes of a grey PNG in which one value is transparent."""
    chunk = b"tRNS" + struct.pack(">H", value)
    return png[:33] + struct.pack(">I", 2) + chunk + struct.pack(">I", zlib.crc32(chunk)) + png[33:]


def test_sixteen_bits_are_scaled_whatever_is_transparent():
    values = np.full((SIDE, SIDE), 128 * 257, np.uint16)
    values[:, : SIDE // 2] = 64 * 257
    png = stored(Image.fromarray(values), "PNG")
    assert mean(png) == mean(transparent(png, 7)) == [96] * 3
    assert mean(transparent(png, 64 * 257)) == [192] * 3  # half of it is white


def test_floats_are_scaled_or_left_out_by_reason(tmp_path):
    tiff = {value: stored(plain(value, "F"), "TIFF") for value in (0.5, 200.0, -1.0, np.nan, 1e9)}
    assert mean(tiff[0.5]) == [128] * 3 and mean(tiff[200.0]) == [200] * 3
    for name, data in tiff.items():
        (tmp_path / f"{name}.tif").write_bytes(data)
    with pytest.warns(UserWarning, match="skipped 3 photographs: 3 values out of range"):
        assert len(load_photos(tmp_path)) == 2


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("form", ["PNG", "WebP"])
def test_a_broken_exif_block_is_ignored(form):
    for broken in (b"Exif\0\0nonsense", b"MM\0*\xff\xff\xff\xff", b"\0"):
        assert mean(stored(plain("teal"), form, exif=broken, lossless=True)) == [0, 128, 128]


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.full((SIDE, SIDE, 1), 40, np.uint8), 40),
        (np.full((SIDE, SIDE), 40, np.uint8), 40),
        (np.full((SIDE, SIDE, 3), 40 * 257, np.uint16), 40),
        (np.full((SIDE, SIDE, 1), 40 * 257, np.uint16), 40),
        (np.full((SIDE, SIDE, 3), 40, np.int64), 40),
        (np.full((SIDE, SIDE, 3), 0.5, np.float32), 128),
        (np.full((SIDE, SIDE), True), 255),
    ],
)
def test_arrays_are_pictures(array, expected):
    assert mean(array) == [expected] * 3
