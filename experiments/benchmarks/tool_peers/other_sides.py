"""scikit-image, Pillow, kornia, AlbumentationsX and colour-science."""

import numpy as np

from tool_peers.work import (
    ANGLE,
    BILATERAL,
    BLOCK,
    BOX,
    GUIDED,
    LENGTH,
    LUT_SIZE,
    SIGMAS,
    SIZE,
    STOPS,
    VIBRANCE,
    Image,
    balance,
    curve,
    photographs,
    table,
)


class ScikitImage(Image):
    """scikit-image."""

    dtypes = ("float32",)

    def _gaussian(self, sigma):
        from skimage.filters import gaussian

        return lambda image: gaussian(image, sigma, mode="nearest", channel_axis=-1)

    def gaussian_2(self):
        return self._gaussian(SIGMAS[0])

    def gaussian_8(self):
        return self._gaussian(SIGMAS[1])

    def ssim(self):
        from skimage.metrics import structural_similarity

        other = self.batch(photographs()[1:2])[0]
        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        options |= {"data_range": 1.0, "channel_axis": -1}
        return lambda image: structural_similarity(image, other, **options)

    def bilateral(self):
        from skimage.restoration import denoise_bilateral

        reach, near = BILATERAL
        return lambda image: denoise_bilateral(
            image, 25, sigma_color=near, sigma_spatial=reach, channel_axis=-1
        )


class Pillow(Image):
    """Pillow."""

    dtypes = ("uint8",)

    def batch(self, pictures):
        """A list of images."""
        from PIL import Image as Picture

        return [Picture.fromarray(picture) for picture in pictures]

    def chain(self):
        from PIL import Image as Picture
        from PIL import ImageEnhance, ImageOps

        levels = np.linspace(0, 1, 256)
        gains = np.diag(balance())[:, None] ** (1 / 2.4) * 2 ** (STOPS / 2.4)
        bent = np.interp(np.clip(levels * gains, 0, 1), *curve())
        points = (255 * bent).astype(int).ravel().tolist()

        def run(image):
            image = ImageEnhance.Color(image.point(points)).enhance(1 + VIBRANCE)
            toned = ImageOps.colorize(image.convert("L"), "#102040", "#fff0d8")
            return Picture.blend(image, toned, 0.2)

        return run

    def lut(self):
        from PIL import ImageFilter

        values = np.ascontiguousarray(np.moveaxis(table(), (0, 1, 2), (2, 1, 0))).ravel()
        lut = ImageFilter.Color3DLUT(LUT_SIZE, values.tolist())
        return lambda image: image.filter(lut)

    def gaussian_2(self):
        return self._filter("GaussianBlur", SIGMAS[0])

    def gaussian_8(self):
        return self._filter("GaussianBlur", SIGMAS[1])

    def box(self):
        return self._filter("BoxBlur", BOX)

    def _filter(self, name, width):
        from PIL import ImageFilter

        chosen = getattr(ImageFilter, name)(width)
        return lambda image: image.filter(chosen)

    def posterize(self):
        from PIL import ImageOps

        return lambda image: ImageOps.posterize(image, 4)

    def pixelate(self):
        from PIL import Image as Picture

        return lambda image: image.reduce(BLOCK).resize((SIZE, SIZE), Picture.NEAREST)


class Kornia:
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

    def chain(self):
        import torch
        from kornia import enhance
        from kornia.augmentation import RandomPlanckianJitter

        jitter = RandomPlanckianJitter("blackbody", p=1.0)
        shift = [torch.full((1,), s) for s in (0.03, 0.0, -0.03)]

        def run(batch):
            batch = enhance.adjust_brightness_accumulative(jitter(batch), 2 ** (STOPS / 2.4))
            batch = enhance.adjust_sigmoid(batch, 0.5, 5.0)
            batch = enhance.adjust_saturation_with_gray_subtraction(batch, 1 + VIBRANCE)
            return torch.clamp(enhance.shift_rgb(batch, *shift), 0, 1)

        return run

    def _gaussian(self, sigma):
        from kornia.filters import gaussian_blur2d

        side = 8 * sigma + 1
        return lambda batch: gaussian_blur2d(batch, (side, side), (sigma, sigma), "replicate")

    def gaussian_2(self):
        return self._gaussian(SIGMAS[0])

    def gaussian_8(self):
        return self._gaussian(SIGMAS[1])

    def box(self):
        from kornia.filters import box_blur

        side = 2 * BOX + 1
        return lambda batch: box_blur(batch, (side, side), "replicate", separable=True)

    def motion(self):
        from kornia.filters import motion_blur

        return lambda batch: motion_blur(batch, LENGTH, float(ANGLE), 0.0, "replicate")

    def guided(self):
        from kornia.filters import guided_blur

        radius, epsilon = GUIDED
        return lambda batch: guided_blur(batch, batch, 2 * radius + 1, epsilon, subsample=4)

    def ssim(self):
        from kornia.metrics import ssim

        other = self.batch(photographs()[1:2])
        return lambda batch: ssim(batch, other.expand_as(batch), 11, padding="valid").mean()

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

    def chain(self):
        import albumentations as A

        chosen = A.Compose(
            [
                A.PlanckianJitter(temperature_range=(5200, 6500), p=1.0),
                A.RandomBrightnessContrast(p=1.0),
                A.RandomToneCurve(p=1.0),
                A.HueSaturationValue((0, 0), (30, 40), (0, 0), p=1.0),
                A.RGBShift(p=1.0),
            ]
        )
        return lambda image: chosen(image=image)["image"]

    def gaussian_2(self):
        return self._transform("GaussianBlur", sigma_range=(2.0, 2.0))

    def gaussian_8(self):
        return self._transform("GaussianBlur", sigma_range=(8.0, 8.0))

    def box(self):
        return self._transform("Blur", blur_range=(2 * BOX + 1, 2 * BOX + 1))

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


class Colour(Image):
    """colour-science."""

    dtypes = ("float32",)

    def lut(self):
        import colour

        lut = colour.LUT3D(table())
        how = colour.algebra.table_interpolation_tetrahedral
        return lambda image: lut.apply(image, interpolator=how)
