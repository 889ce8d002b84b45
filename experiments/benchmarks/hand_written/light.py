"""Sun, moon, lamps and skies, by OpenCV and NumPy."""

import cv2
import numpy as np

from .common import (
    Shot,
    bloom,
    blur,
    horizon_of,
    level_of,
    luma_of,
    noise,
    ramp,
    relight,
    resize,
    rgb,
    screen,
    share_of,
    shrink,
)


def paint_sky(image, shot: Shot, zenith, horizon, amount: float, cover: float = -1.0):
    """Another sky, with clouds where cover >= 0."""
    height = shot.size[0]
    down = np.clip(shot.y * shot.short / height / horizon_of(shot), 0.0, 1.0)
    luma = luma_of(image)
    usual = float((luma * shot.sky).mean() / (shot.sky.mean() + 1e-3)) + 0.03
    color = zenith + down * (horizon - zenith)
    if cover >= 0:
        thick = noise(shot, 3, 5, stretch=2.0)
        opacity = ramp(thick, 0.8 - 0.7 * cover, 1.0 - 0.7 * cover)
        light = np.clip(0.6 + 3.2 * (thick - np.roll(thick, shot.short // 30, 0)), 0.0, 1.0)
        color = color + opacity * (0.6 + 0.4 * light - color)
    relief = np.clip((luma + 0.03) * (1 / usual), 0.0, 1.5)
    share = amount * shot.sky
    return image + share * (level_of(image) * relief * color - image)


def facing(shot: Shot, dy: float, dx: float) -> np.ndarray:
    """How far the subject's form turns to a light."""
    small = shrink(shot.subject)
    form = blur(small, 0.08 * min(small.shape))
    turn = cv2.Sobel(form, cv2.CV_32F, 0, 1) * dy + cv2.Sobel(form, cv2.CV_32F, 1, 0) * dx
    turn *= -0.025 * min(form.shape)
    return resize(turn / (0.5 + np.abs(turn)), shot.size) * shot.subject


def cast_shadows(image, shot: Shot, dy: float, dx: float):
    """Light on the subject from one side, and its shadow on the ground on the other."""
    small = shrink(shot.subject)
    h, w = small.shape
    rows = small.sum(1)
    foot = int(np.max(np.nonzero(rows > 0.3 * rows.max() + 1e-3)[0], initial=0))
    # Mirrored about the foot, stretched and sheared.
    way = np.float32([[1, dx / dy, -foot * dx / dy], [0, -1 / dy, foot * (1 + 1 / dy)]])
    shade = cv2.warpAffine(small, way, (w, h), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    shade = resize(blur(shade, 0.015 * min(h, w)), shot.size) * shot.ground
    shade *= 1 - ramp(shot.subject, 0.1, 0.7)
    turned = facing(shot, -0.7 * dy, -0.8 * dx)
    gain = 1 + 0.9 * np.maximum(turned, 0) + 0.35 * np.minimum(turned, 0)
    return relight(image, gain * (1 - 0.6 * shade))


def sunlight(image, shot: Shot, color, at: float):
    """A low sun at the horizon: its veil, and its light on things."""
    dy = shot.y - horizon_of(shot) * shot.size[0] / shot.short
    dx = shot.x - (0.5 + 0.5 * at) * shot.size[1] / shot.short
    away = dy * dy * 1.6 + dx * dx
    veil = (0.25 + 0.75 * shot.depth) * (0.9 / (1 + away / 0.012) + 0.55 / (1 + away / 0.12))
    lit = facing(shot, -0.3, at)
    gain = (1 + 0.9 * np.maximum(lit, 0) * color) * (1 + 0.35 * np.minimum(lit, 0))
    return screen(relight(image, gain), 0.75 * veil * color)


def stars(image, shot: Shot, amount: float, color=1.0):
    """Stars in the dark sky."""
    mask = np.zeros(shot.size, np.uint8)
    height, width = shot.size
    count = round(0.2 * 70 * 70 * height * width / shot.short**2)
    places = shot.random.random((count, 3))
    for y, x, bright in places:
        at = int(x * width * 16), int(y * height * 16)
        cv2.circle(mask, at, 10, int(20 + 235 * bright**3), -1, cv2.LINE_AA, 4)
    dark = shot.sky * ramp(0.6 - luma_of(image), 0.0, 0.3)
    return screen(image, amount * dark * share_of(mask) * color)


def moon(image, shot: Shot, amount: float):
    """The moon where the sky is most open, and its glow."""
    small = shrink(shot.sky)
    room = blur(small, 0.05 * min(small.shape))
    y, x = np.unravel_index(np.argmax(room), room.shape)
    cell = shot.size[0] / room.shape[0] / shot.short
    dy, dx = shot.y - float(y * cell), shot.x - float(x * cell)
    away = (dy * dy + dx * dx) / 0.026**2
    disc = np.clip((1 - away) * (0.01 * shot.short) + 0.5, 0.0, 1.0)
    seas = 1 / (1 + ((dy / 0.026 + 0.25) ** 2 + (dx / 0.026 + 0.35) ** 2) * 6)
    light = 2.2 * disc * (1 - 0.3 * seas) + 0.22 / (1 + 0.14 * away) + 0.1 / (1 + 0.012 * away)
    return screen(image, amount * light * shot.sky * rgb("#dfe8ff"))


def lamps(image, shot: Shot, amount: float, color):
    """The brightest small things shine and glow."""
    small = shrink(image)
    short = min(small.shape[1:])
    luma = luma_of(small) * (1 - shrink(shot.sky))
    most = float(luma.max()) + 0.02
    around = blur(luma, 0.07 * short)
    warmth = ramp((small[0] - small[2]) / (luma + 0.05), 0.05, 0.4)
    source = ramp(luma / most, 0.45, 0.85) * ramp((luma - 1.2 * around) / most, 0.0, 0.25)
    source = source * (0.15 + 0.85 * warmth)
    glow = resize(0.6 * blur(source, 0.02 * short) + 1.2 * blur(source, 0.07 * short), shot.size)
    shine = resize(amount * source, shot.size)
    lit = image + shine * (1.3 * np.sqrt(luma_of(image)) * color - image)
    return screen(lit, amount * glow * color)


def side_lights(image, shot: Shot, left, right, own: float, air: float):
    """Lights of two colours from the left and from the right."""
    wide = shot.size[1] / shot.short
    turned = facing(shot, 0.0, -1.0)
    signs = air / (1 + ((shot.y - 0.4) / 0.3) ** 2) * (0.25 + 0.75 * shot.depth)
    light, glow = np.float32(0.12), 0.0
    for away, form, color in ((shot.x, 1, left), (wide - shot.x, -1, right)):
        field = 1 / (1 + (away / (0.36 * wide)) ** 2)
        light = light + 1.75 * field * (1 + 0.35 * form * turned) * color
        glow = glow + signs * field**4 * color
    luma = luma_of(image)
    return screen(relight(luma + own * (image - luma), light), glow)


def candles(image, shot: Shot):
    """Three candles' warm pools low in the picture."""
    height, width = shot.size
    pools = 0.0
    for down, along in ((0.78, 0.16), (0.68, 0.55), (0.84, 0.9)):
        away = (shot.y - down * height / shot.short) ** 2
        pools = pools + 1 / (1 + (away + (shot.x - along * width / shot.short) ** 2) / 0.05)
    light = pools * rgb("#ff9e48")
    return lamps(screen(relight(image, 0.4 + 1.9 * light), 0.06 * light), shot, 0.8, rgb("#ff9e48"))


def _middle(shot):
    weight = shot.subject**2 + 1e-3
    total = float(weight.sum())
    return float((weight * shot.y).sum()) / total, float((weight * shot.x).sum()) / total


def spotlight(image, shot: Shot):
    """A cone of light from above on the subject, and dark around it."""
    at_y, at_x = _middle(shot)
    down = (shot.y + 0.35) / (at_y + 0.35)
    across = shot.x - at_x - 0.3 + 0.3 * down
    beam = ramp(1 - np.abs(across) / (0.27 * down), 0.0, 0.6) * (1 - ramp(down, 0.9, 1.35))
    away = ((shot.y - at_y) / 0.36) ** 2 + ((shot.x - at_x) / 0.32) ** 2
    lit = relight(image, 0.1 + 2.1 / (1 + away * away) + 0.15 * beam)
    return screen(lit, 0.25 * beam / (0.6 + down * down) * rgb("#fff2d8"))


def rim_light(image, shot: Shot):
    """The subject's border shines, all else is darker."""
    small = shrink(shot.subject)
    inside = resize(blur(small, 0.022 * min(small.shape)), shot.size)
    rim = np.maximum(shot.subject - inside**1.5, 0.0) * ramp(shot.subject, 0.15, 0.6)
    rim *= 0.7 + 0.6 * np.maximum(facing(shot, -1.0, 0.0), 0.0)
    return screen(relight(image, 0.55 + 0.4 * shot.subject + 4 * rim), 0.6 * rim * rgb("#d8ebff"))


def silhouette(image, shot: Shot):
    """What is far shines, the subject is dark."""
    far = ramp(shot.depth, 0.2, 0.85) * (1 - 0.8 * shot.subject)
    at_y, at_x = _middle(shot)
    away = (shot.y - at_y + 0.15) ** 2 + (shot.x - at_x) ** 2
    glow = (0.08 + 0.92 * far) * (0.55 / (1 + away / 0.07) + 0.08)
    return screen(relight(image, 0.22 + 1.5 * far), glow * rgb("#ffd99e"))


def god_rays(image, shot: Shot, amount: float, color):
    """Shafts of light: the lit sky, zoomed about the sun again and again."""
    small, sky = shrink(luma_of(image)), shrink(shot.sky)
    h, w = small.shape
    light = blur(small * (0.05 + sky), 0.02 * min(h, w))
    y, x = np.unravel_index(np.argmax(light), light.shape)
    angle = np.arctan2(np.arange(h)[:, None] - y, np.arange(w)[None] - x).astype(np.float32)
    shafts = 0.5 + 0.5 * np.sin(9 * angle) * np.sin(23 * angle + 1)
    opening = (0.1 + sky) * ramp(small, 0.25, 0.9) * (0.25 + 0.9 * shafts)
    for i in range(6):
        scale = 0.15 ** (2**i / 63)
        way = np.float32([[scale, 0, x * (1 - scale)], [0, scale, y * (1 - scale)]])
        moved = cv2.warpAffine(opening, way, (w, h), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        opening = 0.5 * (opening + moved)
    rays = resize(1.5 * opening * (0.15 + 1.2 * shafts), shot.size) * (1 - 0.45 * shot.sky)
    return screen(image, amount * rays * color)


def beams(image, shot: Shot):
    """Two broad beams in drifting fog."""
    light = 0.0
    for at, lean, half in ((0.2, 0.35, 0.16), (0.62, 0.12, 0.2)):
        across = (shot.x - at - lean * shot.y) / (half * (0.35 + shot.y))
        light = light + np.exp(-across * across) / (1 + 0.8 * shot.y**2)
    light = light * (0.34 + 0.68 * noise(shot, 4, 4)) * (0.45 + 0.55 * shot.depth)
    return screen(image, light * rgb("#dbedff"))


def aura(image, shot: Shot, amount: float, color):
    """A glow around the subject."""
    small = shrink(shot.subject)
    short = min(small.shape)
    near, far = blur(small, 0.025 * short), blur(small, 0.085 * short)
    glow = 1.1 * near * (1 - small) + 0.9 * far * (1 - 0.8 * small)
    lit = screen(image, amount * resize(glow, shot.size) * color)
    return bloom(lit, 0.5 * amount, color, 0.55, 0.03)


def flare(image, shot: Shot, amount: float, color):
    """Glow, star, streak, halo and ghosts of the brightest place."""
    small = blur(shrink(luma_of(image)), 3)
    y, x = np.unravel_index(np.argmax(small), small.shape)
    cell = shot.size[0] / small.shape[0] / shot.short
    y, x = float(y * cell), float(x * cell)
    dy, dx = shot.y - y, shot.x - x
    square = dy * dy + dx * dx
    cross, other = dy * dx, 0.5 * (dy * dy - dx * dx)
    thin = 3e-8 + 2e-5 * square
    star = thin / (thin + cross * cross) + thin / (thin + other * other)
    light = 0.9 / (1 + square / 0.0016) + star * (0.175 / (1 + square / 0.006))
    light += (0.5 / (1 + (dy / 0.004) ** 2)) * (1 / (1 + (dx / 0.35) ** 2) ** 2)
    light += 0.35 / (1 + square / 0.03) + 0.12 / (1 + ((square - 0.05) / 0.012) ** 2) ** 2
    height, width = shot.size
    ghosts = np.zeros((height, width, 3), np.float32)
    center = np.array([0.5 * width, 0.5 * height])
    for along, radius, bright, own in _GHOSTS:
        at = center + along * (np.array([x, y]) * shot.short - center)
        disc = np.zeros((height, width, 3), np.float32)
        at = tuple(int(v) for v in at)
        cv2.circle(disc, at, int(radius * shot.short), [bright * c for c in own], -1, cv2.LINE_AA)
        ghosts += disc
    ghosts = np.moveaxis(cv2.blur(ghosts, (5, 5)), -1, 0)
    return screen(image, amount * (light * color + ghosts * (0.4 + 0.6 * color)))


_GHOSTS = (
    (0.55, 0.030, 0.30, (0.9, 0.7, 0.4)),
    (0.30, 0.060, 0.16, (0.4, 0.9, 0.6)),
    (-0.25, 0.045, 0.22, (0.5, 0.6, 1.0)),
    (-0.50, 0.090, 0.14, (0.8, 0.4, 0.9)),
    (-0.85, 0.035, 0.28, (1.0, 0.6, 0.3)),
    (-1.15, 0.130, 0.13, (0.4, 0.7, 1.0)),
)
