"""Cases: photographs in a known state, each with a request, and edits that answer it more or less.

An edit is a plan, or a function of pixels. Every edit of a case is scored against its request.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.data import state_plan
from agentic_styling.data.goals.goals import COMPOSED
from agentic_styling.data.photos.states import ORDER, make_step
from agentic_styling.data.teachers.scripted import MAX_TEACHER_STEPS
from agentic_styling.evaluation import baselines
from agentic_styling.tools import (
    MAX_STEPS,
    MODIFIERS,
    UNKNOWN,
    VOCABULARY,
    Plan,
    Step,
    encode_plans,
    execute,
)
from reward_validation.photos import draw_evenly


class Cases(NamedTuple):
    """N photographs in a known state, float32 [N, S, S, 3], their names, and a request for each."""

    source: jax.Array
    photos: list[str]
    requests: list[tuple[Step, ...]]
    taught: list[tuple[Step, ...]]  # by the scripted teacher, as for training


def draw_cases(photos, count: int, size: int, seed: int) -> Cases:
    """`count` cases, each photograph in as many as the others, give or take one."""
    contexts = draw_evenly(photos, count, size, seed)
    crops = np.stack([c.pixels for c in contexts]).astype(np.float32) / 255
    states = encode_plans([state_plan(c.state) for c in contexts])
    source = execute(crops, states, jax.random.key(seed))
    taught = [c.plans[0].steps for c in contexts]
    requests = [c.goal.request for c in contexts]
    return Cases(source, [c.photo for c in contexts], requests, taught)


def run(cases: Cases, requests: list[tuple[Step, ...]], seed: int) -> jax.Array:
    """The steps of each case executed on its photograph."""
    plans = encode_plans([Plan({}, tuple(steps)) for steps in requests])
    return execute(cases.source, plans, jax.random.key(seed))


def rendered_requests(requests: list[tuple[Step, ...]]):
    """Requests as PlanArrays."""
    return encode_plans([Plan({}, steps) for steps in requests], MAX_TEACHER_STEPS)


def edits_of(steps) -> list[int]:
    """Indices of the steps that change the picture."""
    return [i for i, step in enumerate(steps) if step.tool not in MODIFIERS]


def with_strength(steps, scale: float) -> tuple[Step, ...]:
    """The steps with their strength scaled, at most 1."""
    return tuple(Step(s.reasoning, s.tool, _scaled(s, scale)) for s in steps)


def _scaled(step, scale):
    given = step.parameters
    if step.tool in MODIFIERS:
        return given
    return given | {"strength": min(1.0, scale * given.get("strength", 1.0))}


def forgets_one(steps, rng) -> tuple[Step, ...]:
    """Without one of its edits."""
    gone = rng.choice(edits_of(steps))
    return tuple(step for i, step in enumerate(steps) if i != gone)


def takes_a_neighbour(steps, rng) -> tuple[Step, ...]:
    """One option replaced by the one listed before or after it."""
    at = rng.choice(edits_of(steps))
    step = steps[at]
    target = VOCABULARY[step.tool].target
    values = VOCABULARY[step.tool].parameters[target].values
    near = (values.index(step.parameters[target]) + int(rng.choice([-1, 1]))) % len(values)
    changed = Step(step.reasoning, step.tool, step.parameters | {target: values[near]})
    return (*steps[:at], changed, *steps[at + 1 :])


def adds_a_step(steps, rng) -> tuple[Step, ...]:
    """With one more edit, of a dimension that is not asked for."""
    tools = {step.tool for step in steps}
    tool = str(rng.choice([name for name in COMPOSED if name not in tools]))
    new = make_step(tool, UNKNOWN, str(rng.choice(COMPOSED[tool])), float(rng.choice([0.5, 1.0])))
    edits = sorted(
        [new, *(s for s in steps if s.tool not in MODIFIERS)], key=lambda s: ORDER.index(s.tool)
    )
    return (*edits, *(s for s in steps if s.tool in MODIFIERS))[:MAX_STEPS]


def in_another_order(steps, rng) -> tuple[Step, ...]:
    """Its edits in an order that is not the request's, where there are several."""
    edits, kept = edits_of(steps), [s for s in steps if s.tool in MODIFIERS]
    order = edits[::-1]
    while len(edits) > 2 and order in (edits, edits[::-1]):
        order = rng.permutation(edits).tolist()
    return (*(steps[i] for i in order), *kept)


def repeats_a_step(steps, rng) -> tuple[Step, ...]:
    """Its first edit five times."""
    return (steps[edits_of(steps)[0]],) * 5


WRECKS = {
    "clipped": lambda x: jnp.where(x > 0.5, 1.0, 0.0),
    "blurred to nothing": lambda x: jnp.broadcast_to(x.mean((1, 2), keepdims=True), x.shape),
    "inverted": lambda x: 1 - x,
    "noise": lambda x: jax.random.uniform(jax.random.key(0), x.shape),
}


def edits(requests, rng) -> dict[str, list[tuple[Step, ...]]]:
    """Plans that answer requests more or less well, by what is wrong with them."""
    return {
        "intended": requests,
        "one forgotten": [forgets_one(r, rng) for r in requests],
        "a neighbouring option": [takes_a_neighbour(r, rng) for r in requests],
        "half the strength": [with_strength(r, 0.5) for r in requests],
        "a needless step": [adds_a_step(r, rng) for r in requests],
        "random plan": [baselines.random_plan(rng).steps for _ in requests],
    }


def has_several(requests) -> np.ndarray:
    """bool [N]: whether a request has several edits."""
    return np.array([len(edits_of(r)) > 1 for r in requests])


def mirrored(steps) -> tuple[Step, ...]:
    """The same request for the mirrored picture: left and right are swapped."""
    swapped = {"left_half": "right_half", "right_half": "left_half"}
    return tuple(
        Step(s.reasoning, s.tool, {k: swapped.get(v, v) for k, v in s.parameters.items()})
        for s in steps
    )


def _luma(x):
    return x @ jnp.array([[0.2126], [0.7152], [0.0722]])


def _vignette_and_blur(x):
    side = x.shape[1]
    at = jnp.linspace(-1, 1, side)
    fall = 1 - 0.7 * jnp.clip(at[:, None] ** 2 + at[None] ** 2, 0, 1)
    small = jax.image.resize(x, (len(x), side // 8, side // 8, 3), "linear", antialias=True)
    return jax.image.resize(small, x.shape, "cubic").clip(0, 1) * fall[None, :, :, None]


def _sharper(x):
    side = x.shape[1]
    small = jax.image.resize(x, (len(x), side // 2, side // 2, 3), "linear", antialias=True)
    return x + 2 * (x - jax.image.resize(small, x.shape, "linear"))


# Changes of the pixels that simple rewards prefer.
PUSHES: dict[str, Callable] = {
    "identity": lambda x: x,
    "saturation": lambda x: _luma(x) + 2 * (x - _luma(x)),
    "contrast": lambda x: 0.5 + 1.8 * (x - 0.5),
    "sharpness": _sharper,
    "brightness": lambda x: x + 0.25,
    "darkness": lambda x: x - 0.25,
    "vignette and blur": _vignette_and_blur,
}


def strongest_of(tool: str) -> tuple[Step, ...]:
    """One tool's most drastic option at full strength."""
    option = (baselines.STRONGEST | _MILDER)[tool]
    return (make_step(tool, UNKNOWN, option, 1.0),)


_MILDER = {"location_setting": "underwater_reef", "time_period": "cyberpunk_dystopia"}


def _resized(scale: float):
    def change(x):
        side = round(x.shape[1] * scale)
        return jax.image.resize(x, (len(x), side, side, 3), "cubic", antialias=True).clip(0, 1)

    return change


def _as_jpeg(x):
    import io

    from PIL import Image

    out = []
    for picture in np.uint8(np.round(np.asarray(x) * 255)):
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=90)
        out.append(np.asarray(Image.open(file)))
    return jnp.asarray(np.stack(out), jnp.float32) / 255


# Changes of source and result that should leave the scores as they are.
COPIES = {
    "half as large": _resized(0.5),
    "twice as large": _resized(2.0),
    "JPEG of quality 90": _as_jpeg,
    "mirrored": lambda x: x[:, :, ::-1],
}
# Kinds of edits that the scripted teacher writes: what the two rewards should agree on.
TRAJECTORIES = (
    "intended",
    "one forgotten",
    "a neighbouring option",
    "half the strength",
    "a needless step",
    "random plan",
    "mixed",
    "the scripted teacher",
)
