import numpy as np
import pytest
from PIL import Image

from agentic_styling.data import Photo, load_photos, random_crop
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.pictures import MAX_SIDE


def gradient(width=96, height=80):
    x = np.linspace(0, 255, width).astype(np.uint8)
    y = np.linspace(0, 255, height).astype(np.uint8)
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0], image[..., 1] = x, y[:, None]
    return image


def by_name(photos):
    return {photo.name: photo.pixels for photo in photos}


def test_every_mode_becomes_rgb(tmp_path):
    rgb = Image.fromarray(gradient())
    rgb.save(tmp_path / "a.png")
    rgb.convert("L").save(tmp_path / "grey.png")
    rgb.convert("CMYK").save(tmp_path / "cmyk.jpg")
    rgb.convert("P").save(tmp_path / "palette.gif")
    alpha = rgb.convert("RGBA")
    alpha.putalpha(0)
    alpha.save(tmp_path / "alpha.png")
    deep = np.full((80, 96), 128 * 257, np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    photos = by_name(load_photos(tmp_path))
    assert len(photos) == 6
    assert all(p.shape == (80, 96, 3) and p.dtype == np.uint8 for p in photos.values())
    np.testing.assert_array_equal(photos["a.png"], gradient())
    assert (photos["alpha.png"] == 255).all()  # nothing but paper shows through
    assert (photos["deep.png"] == 128).all()
    assert np.ptp(photos["grey.png"].astype(int), axis=2).max() == 0
    difference = np.abs(photos["cmyk.jpg"].astype(int) - gradient())
    assert difference.mean() < 6


def test_exif_rotation_is_applied(tmp_path):
    Image.fromarray(gradient()).save(tmp_path / "plain.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side: turn it clockwise to show it
    Image.fromarray(gradient()).save(tmp_path / "turned.png", exif=exif)
    photos = by_name(load_photos(tmp_path))
    np.testing.assert_array_equal(photos["turned.png"], np.rot90(gradient(), -1))


def test_large_photographs_are_bounded(tmp_path):
    Image.new("RGB", (6000, 3000), "red").save(tmp_path / "big.jpg")
    Image.fromarray(gradient()).save(tmp_path / "small.png")
    photos = by_name(load_photos(tmp_path))
    assert photos["big.jpg"].shape == (MAX_SIDE // 2, MAX_SIDE, 3)


def test_unreadable_files_are_skipped_with_one_warning(tmp_path):
    for name in ("a.png", "b.png", "below/c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(gradient()).save(tmp_path / name)
    (tmp_path / "zero.jpg").write_bytes(b"")
    (tmp_path / "text.png").write_text("not a picture")
    (tmp_path / "half.png").write_bytes((tmp_path / "a.png").read_bytes()[:200])
    Image.new("RGB", (8, 8)).save(tmp_path / "tiny.png")
    (tmp_path / "notes.txt").write_text("no photograph, and no fault")
    with pytest.warns(UserWarning, match="skipped 4 photographs") as warned:
        photos = load_photos(tmp_path)
    assert [p.name for p in photos] == ["a.png", "b.png", "below/c.jpg"]
    # Others may be of objects that earlier tests left to be collected, or Pillow's.
    (message,) = (m for m in (str(w.message) for w in warned) if m.startswith("skipped"))
    assert all(name in message for name in ("text.png", "half.png", "tiny.png"))
    assert "\n" not in message


@pytest.mark.filterwarnings("ignore:.*skipped")
@pytest.mark.parametrize(
    "files, words",
    [
        (None, "no such folder"),
        ({}, "holds no photographs"),
        ({"a.jpg": b""}, "no readable photographs"),
    ],
)
def test_a_useless_folder_is_one_line_naming_it(tmp_path, files, words):
    folder = tmp_path / "photographs"
    if files is not None:
        folder.mkdir()
        for name, data in files.items():
            if data is None:
                Image.fromarray(gradient()).save(folder / name)
            else:
                (folder / name).write_bytes(data)
    with pytest.raises(InputError) as error:
        load_photos(folder)
    message = str(error.value)
    assert str(folder) in message and words in message and "\n" not in message


def test_crops_are_squares_of_half_to_all_of_the_short_side():
    photo = Photo("g", gradient(200, 100))
    mirrored = 0
    for i in range(60):
        pixels, crop = random_crop(photo, np.random.default_rng(i), 32)
        assert pixels.shape == (32, 32, 3) and pixels.dtype == np.uint8
        assert 50 <= crop["side"] <= 100
        assert 0 <= crop["left"] <= 200 - crop["side"] and 0 <= crop["top"] <= 100 - crop["side"]
        # Red grows to the right in the photograph, so a mirrored crop falls.
        assert (pixels[16, 0, 0] > pixels[16, -1, 0]) == crop["mirror"]
        middle = photo.pixels[crop["top"] + crop["side"] // 2, 0, 1]
        assert abs(int(pixels[16, 16, 1]) - int(middle)) < 8
        mirrored += crop["mirror"]
    assert 15 < mirrored < 45


def test_crops_are_antialiased():
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    pixels, _ = random_crop(Photo("s", stripes), np.random.default_rng(0), 16)
    assert pixels.std() < 20 and abs(pixels.mean() - 127) < 10
