"""Photographs with masks, and endless augmented samples of them."""

from pathlib import Path

import numpy as np
from measure_scene import CLASSES, MASKS, UNSURE
from PIL import Image, ImageFilter

from agentic_styling.tools.executor.scene_estimate import SIZE
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.pictures import read_image

BATCH = 8
_VIEWS = {"outdoor_view", "aerial", "night", "indoor"}  # kinds that are no close-ups
_INDOORS = {"indoor", "object"}
_TEXTURES = {"mate_blinds", "mate_wood"}  # neither of them taken outdoors
_BURST = "mvtb_p1070"  # 25 photographs of one walk: each is drawn a third as often as others
_MIRROR = Image.Transpose.FLIP_LEFT_RIGHT


class Masked:
    """A photograph with its mask, both of the mask's size, and what it is a picture of."""

    def __init__(self, photos: Path, name: str, kind: str):
        files = list(photos.glob(f"{name}.*"))
        if not files:
            raise InputError(f"{photos}: there is no photograph {name}; name the folder it is in")
        self.classes = np.asarray(Image.open(MASKS / f"{name}.png"))
        self.mask = Image.fromarray(self.classes)
        photo = Image.fromarray(read_image(files[0]))
        self.photo = photo.resize(self.mask.size, Image.LANCZOS)
        self.kind = kind
        self.outdoors = kind not in _INDOORS and name not in _TEXTURES
        shows = [np.mean(self.classes == CLASSES[x]) > 0.01 for x in ("sky", "ground")]
        self.weight = 0.35 if name.startswith(_BURST) else 1.5 if shows == [False, True] else 1.0

    def texture(self, number: int) -> Image.Image | None:
        """The largest rectangle of one class, of 1500 pixels or more."""
        box = _largest_rectangle(self.classes[::4, ::4] == number)
        return self.photo.crop([4 * x for x in box]) if box else None

    def subject(self):
        """The subject cut out, its mask, and how low it reaches; none if tiny or huge."""
        cut = self.classes == CLASSES["subject"]
        if not 0.015 < cut.mean() < 0.45:
            return None
        y, x = np.nonzero(cut)
        box = x.min(), y.min(), x.max() + 1, y.max() + 1
        mask = Image.fromarray((cut * 255).astype(np.uint8))
        return self.photo.crop(box), mask.crop(box), box[3] / len(cut), self.kind


def _largest_rectangle(where, least=1500 / 16):
    best, box = least, None
    run = np.zeros(where.shape[1], int)
    for y, row in enumerate(where):
        run = np.where(row, run + 1, 0)
        for x in range(len(run)):
            heights = np.minimum.accumulate(run[x:])
            areas = heights * np.arange(1, len(heights) + 1)
            i = int(areas.argmax())
            if areas[i] > best:
                best, box = areas[i], (x, y + 1 - heights[i], x + i + 1, y + 1)
    return box


class Samples:
    """Endless augmented samples: crops, turns, foreign skies, grounds and subjects, colours."""

    def __init__(self, pictures: list[Masked], seed: int):
        self.rng = np.random.default_rng(seed)
        self.pictures = self._weighted((p, p) for p in pictures)
        self.skies = self._weighted((p, p.texture(1)) for p in pictures)
        self.grounds = self._weighted((p, p.texture(2)) for p in pictures)
        self.subjects = self._weighted((p, p.subject()) for p in pictures)
        self.noise = np.random.default_rng(9).standard_normal(1 << 20, np.float32)

    def _weighted(self, pairs):
        pairs = [(p.weight, x) for p, x in pairs if x is not None]
        weights = np.array([w for w, _ in pairs])
        return [x for _, x in pairs], weights / weights.sum()

    def _pick(self, things):
        return things[0][self.rng.choice(len(things[0]), p=things[1])]

    def batch(self):
        """Pixels [B, S, S, 3], classes [B, 64, 64], log aspects [B], outdoors and close-up [B, 2],
        where -1 is not known."""
        columns = zip(*(self.sample() for _ in range(BATCH)), strict=True)
        pixels, classes, aspects, kinds = (np.stack(x) for x in columns)
        return pixels, classes.astype(np.int64), np.float32(aspects), np.float32(kinds)

    def sample(self):
        """One row of a batch."""
        picture = self._pick(self.pictures)
        image, classes, aspect, share = self._crop(picture)
        if self.rng.random() < 0.1:
            image, classes, share = self._all_ground(), np.full_like(classes, CLASSES["ground"]), 0
        self._foreign_sky(image, classes)
        self._foreign_ground(image, classes)
        self._foreign_subject(image, classes, aspect, picture.kind)
        self._cutout(image, classes)
        pixels, classes = self._colours(image, classes)
        subject = np.mean(classes == CLASSES["subject"])
        if not share:  # ground alone
            closeup = -1
        elif picture.kind in _VIEWS:
            closeup = 0 if share > 0.5 and subject < 0.4 else -1
        elif picture.kind == "underwater":
            closeup = -1
        else:
            closeup = 1 if subject > 0.12 else 0 if subject < 0.04 else -1
        return pixels, classes, aspect, (picture.outdoors, closeup)

    def _crop(self, picture):
        """The picture and its mask turned, cropped and squashed, log aspect and share of area."""
        rng, image, mask = self.rng, picture.photo, picture.mask
        width, height = image.size
        if rng.random() < 0.3:
            angle = rng.uniform(-8, 8)
            image, mask = image.rotate(angle, Image.BILINEAR), mask.rotate(angle, fillcolor=UNSURE)
        w, h, x, y = width, height, 0, 0
        if rng.random() >= 0.3:
            scale, shape = rng.uniform(0.35, 1.0), np.exp(rng.uniform(-0.35, 0.35))
            h, w = min(height, height * scale * shape), min(width, width * scale / shape)
            x, y = rng.uniform(0, width - w), rng.uniform(0, height - h)
            places = np.flatnonzero(picture.classes == CLASSES["ground"])
            if len(places) > 0.08 * width * height and rng.random() < 0.3:
                at = divmod(int(places[rng.integers(len(places))]), width)
                y, x = np.clip([at[0] - h / 2, at[1] - w / 2], 0, [height - h, width - w])
        box = (x, y, x + w, y + h)
        image = image.resize((SIZE, SIZE), Image.BILINEAR, box=box)
        mask = mask.resize((SIZE, SIZE), Image.NEAREST, box=box)
        return image, np.array(mask), np.log(w / h), w * h / width / height

    def _all_ground(self):
        """One picture's ground, or two's, all over the picture."""
        rng, both = self.rng, []
        for _ in range(2):
            texture = self._pick(self.grounds)
            factor = rng.uniform(0.8, 2)
            texture = texture.resize([max(8, int(x * factor)) for x in texture.size])
            tile = np.asarray(texture)[:SIZE, :SIZE]
            tile = np.pad(tile, [(0, SIZE - x) for x in tile.shape[:2]] + [(0, 0)], "symmetric")
            light = 1 + rng.uniform(-0.4, 0.4) * np.linspace(-1, 1, SIZE)[:, None, None]
            both.append(Image.fromarray(np.clip(tile * light, 0, 255).astype(np.uint8)))
        if rng.random() < 0.5:
            return both[0]
        y, x = np.mgrid[-1 : 1 : 1j * SIZE, -1 : 1 : 1j * SIZE]
        side = (rng.normal() * x + rng.normal() * y > rng.normal(0, 0.5)) * 255
        return Image.composite(*both, Image.fromarray(side.astype(np.uint8)))

    def _fill(self, image, where, texture):
        """Pastes a texture over all of one class, softly at its border."""
        rows, columns = np.nonzero(where.any(1))[0], np.nonzero(where.any(0))[0]
        box = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
        soft = Image.fromarray((where * 255).astype(np.uint8)).filter(ImageFilter.BoxBlur(1))
        size = box[2] - box[0], box[3] - box[1]
        image.paste(texture.resize(size, Image.BILINEAR), box[:2], soft.crop(box))

    def _foreign_sky(self, image, classes):
        rng, sky = self.rng, classes == CLASSES["sky"]
        if sky.mean() <= 0.02 or rng.random() >= 0.4:
            return
        if rng.random() < 0.25:  # a clear one
            ends = rng.uniform(40, 250) + rng.normal(0, 12, (2, 3))
            ends = np.clip(ends + np.array([-1, 0, 1]) * rng.uniform(-25, 60), 0, 255)
            ramp = ends[0] + (ends[1] - ends[0]) * np.linspace(0, 1, 64)[:, None, None]
            texture = Image.fromarray(np.broadcast_to(ramp, (64, 64, 3)).astype(np.uint8))
        else:
            texture = self._pick(self.skies)
            (w, h), part = texture.size, rng.uniform(0.5, 1)
            x, y = rng.uniform(0, w * (1 - part)), rng.uniform(0, h * (1 - part))
            box = int(x), int(y), int(x + w * part) + 1, int(y + h * part) + 1
            texture = texture.crop(box)
            if rng.random() < 0.5:
                texture = texture.transpose(_MIRROR)
        self._fill(image, sky, texture)

    def _foreign_ground(self, image, classes):
        ground = classes == CLASSES["ground"]
        if ground.mean() <= 0.03 or self.rng.random() >= 0.35:
            return
        texture = self._pick(self.grounds)
        if self.rng.random() < 0.5:
            texture = texture.transpose(_MIRROR)
        self._fill(image, ground, texture)

    def _foreign_subject(self, image, classes, aspect, kind):
        rng = self.rng
        if rng.random() >= 0.35:
            return
        photo, mask, bottom, its_kind = self._pick(self.subjects)
        part, stretch = rng.uniform(0.15, 0.7), np.exp(-aspect / 2)
        factor = SIZE * part / max(photo.size)
        w = min(max(6, int(photo.width * factor * stretch)), SIZE)
        h = min(max(6, int(photo.height * factor / stretch)), SIZE)
        photo, mask = (x.resize((w, h), Image.BILINEAR) for x in (photo, mask))
        if rng.random() < 0.5:
            photo, mask = photo.transpose(_MIRROR), mask.transpose(_MIRROR)
        low = int(np.clip(bottom + rng.normal(0, 0.08), 0.4, 1.02) * SIZE)
        y = min(max(low - h, 0), SIZE - h)
        x = int(rng.integers(0, SIZE - w + 1) * 0.5 + (SIZE - w) * 0.25)
        gain = np.exp(rng.normal(0, 0.1))
        image.paste(photo.point(lambda v: v * gain), (x, y), mask)
        if kind in _VIEWS and its_kind != "outdoor_view":  # is the building still the subject?
            classes[classes == CLASSES["subject"]] = UNSURE
        classes[y : y + h, x : x + w][np.asarray(mask) > 127] = CLASSES["subject"]

    def _cutout(self, image, classes):
        rng = self.rng
        if rng.random() >= 0.25:
            return
        h, w = rng.uniform(0.08, 0.3, 2) * SIZE
        y, x = int(rng.uniform(0, SIZE - h)), int(rng.uniform(0, SIZE - w))
        box = x, y, x + int(w), y + int(h)
        image.paste(tuple(int(v) for v in rng.integers(0, 256, 3)), box)
        classes[box[1] : box[3], box[0] : box[2]] = UNSURE

    def _colours(self, image, classes):
        """Pixels with other colours, blur and noise, and classes, both mirrored at times."""
        rng = self.rng
        saturation = 0 if rng.random() < 0.05 else np.exp(rng.normal(0, 0.35))
        image = Image.blend(image.convert("L").convert("RGB"), image, saturation)
        gamma = np.exp(rng.normal(0, 0.3)) * np.exp(rng.normal(0, 0.04, (3, 1)))
        curves = (np.arange(256) / 255)[None] ** gamma
        curves = curves * np.exp(rng.normal(0, 0.1, (3, 1))) * np.exp(rng.normal(0, 0.18))
        if rng.random() < 0.08:  # night
            curves = curves * rng.uniform(0.15, 0.5) * np.array([[0.8], [0.9], [1.2]])
        curves = np.clip(0.5 + (curves - 0.5) * np.exp(rng.normal(0, 0.2)), 0, 1)
        image = image.point((curves * 255 + 0.5).astype(int).ravel().tolist())
        if rng.random() < 0.15:
            image = image.filter(ImageFilter.BoxBlur(rng.uniform(0.5, 2.5)))
        if rng.random() < 0.5:
            image, classes = image.transpose(_MIRROR), classes[:, ::-1]
        pixels = np.asarray(image, np.float32) / 255
        if rng.random() < 0.3:
            i = int(rng.integers(0, self.noise.size - pixels.size))
            noise = self.noise[i : i + pixels.size].reshape(pixels.shape)
            pixels = np.clip(pixels + noise * np.float32(rng.uniform(0.005, 0.04)), 0, 1)
        return pixels, classes[1::3, 1::3]
