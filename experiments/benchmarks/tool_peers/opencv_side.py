"""OpenCV, with NumPy and `hand_written` where it has no function of its own."""

import numpy as np

from tool_peers.work import (
    ANGLE,
    BILATERAL,
    BLOCK,
    BOX,
    FOG,
    GUIDED,
    HIGHLIGHTS,
    KUWAHARA,
    LENGTH,
    SHADOWS,
    SIGMAS,
    SIZE,
    STOPS,
    VIBRANCE,
    Image,
    balance,
    curve,
    depth,
    photographs,
)


class OpenCV(Image):
    """OpenCV, with NumPy where it has no function; `hand_written` for what is drawn."""

    dtypes = ("float32", "uint8")

    def chain(self):
        return _byte_chain() if self.dtype == "uint8" else _float_chain()

    def grade(self):
        return self._by_hand(_grade_by_hand)

    def gaussian_2(self):
        return self._gaussian(SIGMAS[0])

    def gaussian_8(self):
        return self._gaussian(SIGMAS[1])

    def _gaussian(self, sigma):
        import cv2

        return lambda i: cv2.GaussianBlur(i, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)

    def gaussian_2_traced(self):
        return self.gaussian_2()

    def box(self):
        import cv2

        side = 2 * BOX + 1
        return lambda image: cv2.blur(image, (side, side), borderType=cv2.BORDER_REPLICATE)

    def motion(self):
        import cv2

        kernel = np.zeros((LENGTH, LENGTH), np.float32)
        kernel[LENGTH // 2] = 1 / LENGTH
        middle = (LENGTH // 2, LENGTH // 2)
        turn = cv2.getRotationMatrix2D(middle, -ANGLE, 1.0)
        kernel = cv2.warpAffine(kernel, turn, (LENGTH, LENGTH))
        return lambda image: cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE)

    def guided(self):
        return None if self.dtype == "uint8" else _guided

    def bilateral(self):
        import cv2

        scale = 255 if self.dtype == "uint8" else 1
        reach, near = BILATERAL
        return lambda image: cv2.bilateralFilter(
            image, 2 * round(1.5 * reach) + 1, near * scale, reach
        )

    def kuwahara(self):
        return None if self.dtype == "uint8" else _kuwahara

    def ssim(self):
        if self.dtype == "uint8":
            return None
        other = self.batch(photographs()[1:2])[0]
        return lambda image: _ssim(image, other)

    def haze(self):
        import cv2

        clear = np.exp(-depth())[..., None]
        color = (np.float32(FOG) * (1 - clear)).astype(np.float32)
        if self.dtype == "uint8":
            clear3 = np.repeat(clear, 3, 2)
            color = color * 255
            return lambda i: cv2.add(cv2.multiply(i, clear3, dtype=5), color, dtype=0)
        far = depth()
        return lambda image: cv2.merge([np.exp(-far)] * 3) * image + color

    def fog(self):
        from hand_written import nature

        color = np.float32(FOG)[:, None, None]
        return self._by_hand(lambda i, shot: nature.vapour(i, shot, "fog", 1.0, color))

    def rain(self):
        return self._falling("rain")

    def snow(self):
        return self._falling("snow")

    def _falling(self, kind):
        from hand_written import nature

        color = np.float32((0.9, 0.92, 0.95))[:, None, None]
        return self._by_hand(lambda i, shot: nature.falling(i, shot, kind, 1.0, color))

    def flare(self):
        from hand_written import light

        color = np.float32((1.0, 0.9, 0.7))[:, None, None]
        return self._by_hand(lambda i, shot: light.flare(i, shot, 2.0, color))

    def grain(self):
        from hand_written.common import film_grain

        return self._by_hand(lambda i, shot: np.clip(film_grain(i, shot, 0.13), 0, 1))

    def vignette(self):
        from hand_written.common import vignette

        return self._by_hand(lambda i, shot: vignette(i, shot, 0.7, 0.0))

    def _by_hand(self, draw):
        """A hand-written effect on planes, with the photograph's maps at hand."""
        if self.dtype == "uint8":
            return None
        from hand_written.scene import shot_of

        shot = shot_of(np.ones((3, SIZE, SIZE), np.float32), 0)
        flat = shot._replace(depth=depth(), sky=depth(), ground=1 - depth(), subject=depth() / 2)

        def run(image):
            own = flat._replace(random=np.random.default_rng(1))
            planes = np.ascontiguousarray(np.moveaxis(image, -1, 0))
            return np.moveaxis(draw(planes, own), 0, -1)

        return run

    def halftone(self):
        if self.dtype == "uint8":
            return None
        import cv2

        y, x = np.meshgrid(*[2 * np.pi * 58 * np.arange(SIZE) / SIZE] * 2, indexing="ij")
        cos, sin = np.cos(0.4), np.sin(0.4)
        spot = 0.5 * (np.sin(x * cos + y * sin) + np.sin(y * cos - x * sin))
        share = (0.5 - 0.76 * spot + 0.26 * spot * np.abs(spot)).astype(np.float32)

        def run(image):
            ink = 1 - cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
            return np.clip((ink - share) * (SIZE / 290) + 0.5, 0, 1)

        return run

    def posterize(self):
        import cv2

        if self.dtype == "uint8":
            steps = (np.arange(256) // 16 * 17).astype(np.uint8)
            return lambda image: cv2.LUT(image, steps)
        return lambda image: np.floor(image * 15 + 0.5) * np.float32(1 / 15)

    def pixelate(self):
        import cv2

        few = SIZE // BLOCK

        def run(image):
            small = cv2.resize(image, (few, few), interpolation=cv2.INTER_AREA)
            return cv2.resize(small, (SIZE, SIZE), interpolation=cv2.INTER_NEAREST)

        return run


def _to_linear(levels):
    return np.where(levels > 0.04045, ((levels + 0.055) / 1.055) ** 2.4, levels / 12.92)


def _to_curved_display(linear):
    """Display values under the chain's curve."""
    above = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return np.interp(np.where(linear > 0.0031308, above, linear * 12.92), *curve())


def _float_chain():
    """The colour chain in OpenCV and NumPy, float32; its powers and its curve as lookups."""
    import cv2

    levels = np.linspace(0, 1, 65536)
    decode, encode = (f(levels).astype(np.float32) for f in (_to_linear, _to_curved_display))
    matrix = balance() * np.float32(2**STOPS * 65535)
    luma = np.float32([[0.2126, 0.7152, 0.0722]])
    dark, bright = (np.float32(c - luma @ c) for c in (SHADOWS, HIGHLIGHTS))

    def run(image):
        linear = cv2.transform(decode[(image * 65535).astype(np.uint16)], matrix)
        out = encode[np.clip(linear, 0, 65535).astype(np.uint16)]
        grey = cv2.transform(out, luma)
        red, green, blue = planes = cv2.split(out)
        vivid = cv2.max(cv2.max(red, green), blue) - cv2.min(cv2.min(red, green), blue)
        scale = 1 + VIBRANCE * (1 - vivid)
        ends = (2 * grey - 1) ** 2
        middle = 1 - ends * ends
        for k, plane in enumerate(planes):
            tint = dark[k] + grey * (bright[k] - dark[k])
            plane[:] = grey + (plane - grey) * scale + middle * tint
        return np.clip(cv2.merge(planes), 0, 1)

    return run


def _byte_chain():
    """The same in lookups a byte wide: exact to a few steps of 8 bits, as programs for speed do."""
    import cv2

    levels = np.linspace(0, 1, 256)
    gains = np.diag(balance()) * 2**STOPS
    balanced = np.clip(_to_linear(levels)[:, None] * gains, 0, 1)
    first = (255 * _to_curved_display(balanced) + 0.5).astype(np.uint8)[None]
    vivid = np.clip(np.arange(256) * (1 + VIBRANCE * (1 - levels)), 0, 255).astype(np.uint8)
    tones = 1 - (2 * levels - 1) ** 4
    tint = [np.float32(c) - 0.5 for c in (SHADOWS, HIGHLIGHTS)]
    tint = tones[:, None] * (tint[0] + levels[:, None] * (tint[1] - tint[0]))
    up, down = ((255 * np.maximum(s * tint, 0)).astype(np.uint8)[None] for s in (1, -1))

    def run(image):
        hsv = cv2.cvtColor(cv2.LUT(image, first), cv2.COLOR_RGB2HSV)
        hsv[..., 1] = cv2.LUT(np.ascontiguousarray(hsv[..., 1]), vivid)
        out = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
        grey = cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        return cv2.subtract(cv2.add(out, cv2.LUT(grey, up)), cv2.LUT(grey, down))

    return run


def _guided(image):
    """The fast guided filter at a quarter of the size, by box filters."""
    import cv2

    radius, epsilon = GUIDED
    small = cv2.resize(image, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    side = (2 * (radius // 4) + 1,) * 2
    mean = cv2.blur(small, side)
    variance = cv2.blur(small * small, side) - mean * mean
    slope = variance / (variance + epsilon)
    size = image.shape[1::-1]
    offset = cv2.resize(cv2.blur(mean - slope * mean, side), size)
    return cv2.resize(cv2.blur(slope, side), size) * image + offset


def _kuwahara(image):
    """Eight windows, weighed by how calm they are."""
    import cv2

    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    sigma, h, w = 0.35 * KUWAHARA, *image.shape[:2]
    mean, bright = (cv2.GaussianBlur(x, (0, 0), sigma) for x in (image, luma))
    spread = cv2.GaussianBlur(luma * luma, (0, 0), sigma) - bright * bright
    calm = (1e-4 / (np.maximum(spread, 0) + 1e-4)) ** 4
    both = cv2.merge([*cv2.split(mean * calm[..., None]), calm])
    both = cv2.copyMakeBorder(both, *[KUWAHARA] * 4, cv2.BORDER_REPLICATE)
    total = np.zeros((h, w, 4), np.float32)
    for angle in np.arange(8) * np.pi / 4:
        y, x = (KUWAHARA + round(KUWAHARA * f(angle)) for f in (np.sin, np.cos))
        total += both[y : y + h, x : x + w]
    return total[..., :3] / np.maximum(total[..., 3:], 1e-30)


def _ssim(one, other):
    import cv2

    def mean(x):
        return cv2.GaussianBlur(x, (11, 11), 1.5)[5:-5, 5:-5]

    a, b = mean(one), mean(other)
    squares = mean(one * one) + mean(other * other) - a * a - b * b
    product = mean(one * other) - a * b
    luminance = (2 * a * b + 1e-4) / (a * a + b * b + 1e-4)
    return float((luminance * (2 * product + 9e-4) / (squares + 9e-4)).mean())


def _grade_by_hand(planes, shot):
    from hand_written.grade import change_look, to_image, to_logits

    from agentic_styling.tools.dimensions import LOOKS

    look = LOOKS["color_grading"]["target_palette"]["orange_teal"]
    return to_image(change_look(to_logits(planes), shot, 0 * look, look, 1.0))
