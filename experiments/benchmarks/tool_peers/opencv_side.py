"""OpenCV, with NumPy and `hand_written` where it has no function of its own."""

import numpy as np

from tool_peers.work import ANGLE, BLOCK, FOG, KUWAHARA, LENGTH, SIZE, Image, depth


class OpenCV(Image):
    """OpenCV, with NumPy where it has no function; `hand_written` for what is drawn."""

    dtypes = ("float32", "uint8")

    def color(self):
        return self._by_hand(_grade_by_hand)

    def _gaussian(self, sigma):
        import cv2

        return lambda i: cv2.GaussianBlur(i, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)

    def gaussian_2_traced(self):
        return self.gaussian_2()

    def motion(self):
        import cv2

        kernel = np.zeros((LENGTH, LENGTH), np.float32)
        kernel[LENGTH // 2] = 1 / LENGTH
        middle = (LENGTH // 2, LENGTH // 2)
        turn = cv2.getRotationMatrix2D(middle, -ANGLE, 1.0)
        kernel = cv2.warpAffine(kernel, turn, (LENGTH, LENGTH))
        return lambda image: cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE)

    def kuwahara(self):
        return None if self.dtype == "uint8" else _kuwahara

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


def _grade_by_hand(planes, shot):
    from hand_written.grade import change_look, to_image, to_logits

    from agentic_styling.tools.dimensions import LOOKS

    look = LOOKS["color_grading"]["target_palette"]["orange_teal"]
    return to_image(change_look(to_logits(planes), shot, 0 * look, look, 1.0))
