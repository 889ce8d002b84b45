"""scikit-image, Pillow, kornia and AlbumentationsX."""

import numpy as np

from tool_peers.work import ANGLE, BLOCK, LENGTH, SIZE, Image, Side


class ScikitImage(Image):
    """scikit-image."""

    dtypes = ("float32",)

    def _gaussian(self, sigma):
        from skimage.filters import gaussian

        return lambda image: gaussian(image, sigma, mode="nearest", channel_axis=-1)


class Pillow(Image):
    """Pillow."""

    dtypes = ("uint8",)

    def batch(self, pictures):
        """A list of images."""
        from PIL import Image as Picture

        return [Picture.fromarray(picture) for picture in pictures]

    def _gaussian(self, sigma):
        from PIL import ImageFilter

        blur = ImageFilter.GaussianBlur(sigma)
        return lambda image: image.filter(blur)

    def posterize(self):
        from PIL import ImageOps

        return lambda image: ImageOps.posterize(image, 4)

    def pixelate(self):
        from PIL import Image as Picture

        return lambda image: image.reduce(BLOCK).resize((SIZE, SIZE), Picture.NEAREST)


class Kornia(Side):
    """kornia on torch, the whole batch at once."""

    whole, dtypes = True, ("float32",)

    def __init__(self, dtype):
        import torch

        torch.set_grad_enabled(False)

    def batch(self, pictures):
        """A tensor [B, 3, H, W]."""
        import torch

        planes = np.moveaxis(pictures, -1, 1).astype(np.float32) / 255
        return torch.from_numpy(np.ascontiguousarray(planes))

    def _gaussian(self, sigma):
        from kornia.filters import gaussian_blur2d

        side = 8 * sigma + 1
        return lambda batch: gaussian_blur2d(batch, (side, side), (sigma, sigma), "replicate")

    def motion(self):
        from kornia.filters import motion_blur

        return lambda batch: motion_blur(batch, LENGTH, float(ANGLE), 0.0, "replicate")

    def _augmentation(self, name, **options):
        from kornia import augmentation

        chosen = getattr(augmentation, name)(p=1.0, **options)
        return lambda batch: chosen(batch)

    def rain(self):
        count = (600, 700)
        return self._augmentation(
            "RandomRain", number_of_drops=count, drop_height=(20, 40), drop_width=(-5, 5)
        )

    def snow(self):
        return self._augmentation("RandomSnow")

    def grain(self):
        return self._augmentation("RandomGaussianNoise", std=0.13)

    def posterize(self):
        from kornia.enhance import posterize

        return lambda batch: posterize(batch, 4)


class Albumentations(Image):
    """AlbumentationsX."""

    dtypes = ("uint8",)

    def _transform(self, name, **options):
        import albumentations

        chosen = getattr(albumentations, name)(p=1.0, **options)
        return lambda image: chosen(image=image)["image"]

    def _gaussian(self, sigma):
        return self._transform("GaussianBlur", sigma_range=(float(sigma), float(sigma)))

    def motion(self):
        return self._transform(
            "MotionBlur", blur_range=(LENGTH, LENGTH), angle_range=(ANGLE, ANGLE)
        )

    def haze(self):
        return self._transform("AtmosphericFog")

    def fog(self):
        return self._transform("RandomFog")

    def rain(self):
        return self._transform("RandomRain")

    def snow(self):
        return self._transform("RandomSnow", method="texture")

    def flare(self):
        return self._transform("LensFlare")

    def grain(self):
        return self._transform("FilmGrain")

    def vignette(self):
        return self._transform("Vignetting")

    def halftone(self):
        return self._transform("Halftone", dot_size_range=(9, 9))

    def posterize(self):
        return self._transform("Posterize", num_bits=(4, 4))

    def pixelate(self):
        return self._transform("Downscale", scale_range=(1 / BLOCK, 1 / BLOCK))
