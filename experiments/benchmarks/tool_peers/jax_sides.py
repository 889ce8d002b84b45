"""This project and dm-pix: one jit call a batch."""

import functools
import os

import numpy as np

from tool_peers.work import ANGLE, BLOCK, FOG, KUWAHARA, LENGTH, SIGMAS, Side, depth


class _Jax(Side):
    """A batch in one jit call, shared out to the devices; a CPU has one for each core.

    `apart`: on a CPU pictures go one after another. What comes out is written over a batch that
    has been, as in a loop that gives its buffers back.
    """

    whole, dtypes, apart = True, ("float32",), True

    def __init__(self, dtype):
        import jax

        jax.config.update("jax_num_cpu_devices", len(os.sched_getaffinity(0)))
        self.mesh = jax.make_mesh((jax.device_count(),), ("rows",))
        self.rows = jax.NamedSharding(self.mesh, jax.P("rows"))

    def _mapped(self, function, *numbers):
        """Over the batch; the numbers are traced."""
        import jax

        def share(batch, numbers):
            def one(image):
                return function(image, *numbers)

            apart = self.apart and jax.default_backend() == "cpu"
            return jax.lax.map(one, batch) if apart else jax.vmap(one)(batch)

        specs = {"in_specs": (jax.P("rows"), jax.P()), "out_specs": jax.P("rows")}
        shares = jax.shard_map(share, mesh=self.mesh, **specs, check_vma=False)
        run = functools.partial(jax.jit, donate_argnums=2, keep_unused=True)
        run = run(lambda batch, numbers, _: shares(batch, numbers))
        everywhere = jax.NamedSharding(self.mesh, jax.P())
        numbers = [jax.device_put(np.float32(number), everywhere) for number in numbers]
        spare = []

        def call(batch):
            if not spare:
                out = jax.eval_shape(shares, batch, numbers)
                spare.append(jax.device_put(np.zeros(out.shape, out.dtype), self.rows))
            spare.append(jax.block_until_ready(run(batch, numbers, spare.pop())))
            return spare[0]

        return call


class Ours(_Jax):
    """This project."""

    def batch(self, pictures):
        """float32 [B, 3, H, W] on the devices."""
        import jax

        planes = np.moveaxis(pictures, -1, 1).astype(np.float32) / 255
        return jax.device_put(planes, self.rows)

    def color(self):
        from agentic_styling.tools.dimensions import LOOKS
        from agentic_styling.tools.transforms.color.color_transform import color_transform
        from agentic_styling.tools.transforms.conventions import Scene

        look = LOOKS["color_grading"]["target_palette"]["orange_teal"][None]
        scene = Scene(depth(), depth(), 1 - depth(), depth() * 0.5)

        def run(image, source, target, strength):
            return color_transform(image, scene, source, target, strength)

        return self._mapped(run, 0 * look, look, np.ones(1))

    def _gaussian(self, sigma):
        from agentic_styling.tools.transforms.filters.blur import gaussian_blur

        return self._mapped(lambda image: gaussian_blur(image, sigma, channel_axis=0))

    def gaussian_2_traced(self):
        from agentic_styling.tools.transforms.filters.blur import gaussian_blur

        return self._mapped(
            lambda image, sigma: gaussian_blur(image, sigma, channel_axis=0), SIGMAS[0]
        )

    def motion(self):
        from agentic_styling.tools.transforms.filters.blur import motion_blur

        return self._mapped(
            functools.partial(motion_blur, channel_axis=0), LENGTH, np.deg2rad(ANGLE)
        )

    def kuwahara(self):
        from agentic_styling.tools.transforms.filters.smoothing import kuwahara

        return self._mapped(lambda image: kuwahara(image, KUWAHARA, channel_axis=0))

    def haze(self):
        from agentic_styling.tools.transforms.air.haze import haze

        return self._mapped(functools.partial(haze, channel_axis=0), depth(), 1.0, FOG)

    def fog(self):
        import jax.numpy as jnp

        from agentic_styling.tools.transforms.air.haze import fog, veil
        from agentic_styling.tools.transforms.conventions import Scene

        scene = Scene(*(jnp.asarray(depth()) for _ in range(4)))
        return self._mapped(
            lambda image, color: veil(image, fog(scene, jnp.uint32(1)), color, channel_axis=0), FOG
        )

    def _falling(self, kind):
        import jax.numpy as jnp

        from agentic_styling.tools.transforms.air.particles import KINDS, falling

        def run(image, subject, row, color):
            return falling(image, subject, row, 1.0, color, jnp.uint32(1), channel_axis=0)

        return self._mapped(run, depth(), KINDS[kind], (0.9, 0.92, 0.95))

    def rain(self):
        return self._falling("rain")

    def snow(self):
        return self._falling("snow")

    def flare(self):
        from agentic_styling.tools.transforms.light.flare import lens_flare

        return self._mapped(
            functools.partial(lens_flare, channel_axis=0), 0.3, 0.4, 2.0, (1.0, 0.9, 0.7)
        )

    def grain(self):
        import jax.numpy as jnp

        from agentic_styling.tools.transforms.camera.lens import film_grain

        return self._mapped(
            lambda image, amount: film_grain(image, amount, jnp.uint32(1), channel_axis=0), 0.13
        )

    def vignette(self):
        from agentic_styling.tools.transforms.light.light import vignette

        return self._mapped(functools.partial(vignette, channel_axis=0), 0.7)

    def halftone(self):
        from agentic_styling.tools.transforms.color.spaces import luma_of
        from agentic_styling.tools.transforms.filters.screens import halftone

        return self._mapped(lambda i, f, a: halftone(1 - luma_of(i), f, a), 58.0, 0.4)

    def posterize(self):
        from agentic_styling.tools.transforms.filters.screens import posterize

        return self._mapped(posterize, 16.0)

    def pixelate(self):
        import jax.numpy as jnp

        from agentic_styling.tools.transforms.filters.fields import shrink

        def run(image):
            return jnp.repeat(jnp.repeat(shrink(image, BLOCK), BLOCK, axis=1), BLOCK, axis=2)

        return self._mapped(run)


class DmPix(_Jax):
    """dm-pix on a batch, as its functions take one."""

    apart = False

    def batch(self, pictures):
        """float32 [B, H, W, 3] on the devices."""
        import jax

        return jax.device_put(pictures.astype(np.float32) / 255, self.rows)

    def _gaussian(self, sigma):
        import dm_pix

        return self._mapped(lambda image: dm_pix.gaussian_blur(image, sigma, 8 * sigma + 1))
