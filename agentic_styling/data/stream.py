"""An endless stream of fresh examples: photographs put into random states, with goals and plans.

An example is a varied crop of a photograph, rendered in a random state; a goal of one of KINDS; and
the plan of the scripted teacher, which makes no mistake. Nothing is scored or stored.

`read` is the kind that teaches to see: the goal is of any other kind, and what the planner has to
write ends after the context, the ten dimensions of the picture's state. A whole plan is several
times as long and its other tokens say little about the picture, so such rows let a planner see more
pictures in the same time, and most of what they are measured by is what the picture shows. Loss
weights of tokens would not make the rows shorter. What follows a context is learnt from the rows of
other kinds, a few of which keep a planner able to end a plan.

`text` is the kind that teaches words: a wish, or now and then a goal of a set, without a picture.
What the planner has to write is a plan of an empty context, up to its last step. Such rows take
much less time than a whole plan for a picture, as nothing is rendered and nothing is read.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace

import dm_pix
import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.data.goals.goals import Goal, pick
from agentic_styling.data.goals.sets import SETS, sample_goal
from agentic_styling.data.goals.wishes import sample_wish
from agentic_styling.data.photos.photos import Photo, crop_with_content
from agentic_styling.data.photos.sources import Source, open_source, survey
from agentic_styling.data.photos.states import sample_state
from agentic_styling.data.pipeline import Context, as_bytes, render_sources
from agentic_styling.data.teachers.scripted import teach
from agentic_styling.tools import Plan
from agentic_styling.utils.errors import InputError, nearest
from agentic_styling.utils.package_data import read_beside
from agentic_styling.utils.precision import in_32_bits

READ, TEXT, WISHES = "read", "text", "wishes"
GOALS = (*SETS, WISHES)
KINDS = (READ, TEXT, *GOALS)
WISHES_SHARE = 0.84  # of the goals without a picture
# Names of photographs that no stream shows, so that planners can be evaluated on them. Series and
# near duplicates are on one side.
HELD_OUT = frozenset(read_beside(__file__, "held_out.json"))
# The light and contrast of a crop vary this much before it is put into its state. Its colours do
# not, as they are what a state changes.
BRIGHTNESS, CONTRAST = 0.06, 0.12
KEPT = 256  # photographs that stay decoded


@dataclass(frozen=True)
class Stream:
    """A function from the number of a batch to its examples; use `open_stream`.

    source: the photographs. photos: numbers of those that are shown, int [K]. kinds: name ->
    probability. size: of a picture's side, in pixels.
    """

    source: Source
    photos: np.ndarray
    kinds: Mapping[str, float]
    size: int
    seed: int

    def __call__(self, index: int, count: int) -> list[Context]:
        """The `count` examples of batch `index`, each with one plan; its pictures are rendered.

        The same arguments give the same examples, up to what another machine rounds differently.
        Of each, `teacher` is its kind.
        """
        drawn = [self._draw(index, row, pictures=True) for row in range(count)]
        shown = [row for row, example in enumerate(drawn) if example.teacher != TEXT]
        if not shown:
            return drawn
        key = jax.random.fold_in(jax.random.key(self.seed), index)
        crops = as_bytes(vary(np.stack([c.pixels for c in drawn]), jax.random.fold_in(key, 0)))
        rows = [replace(drawn[row], pixels=crops[row]) for row in shown]
        rendered = render_sources(rows, jax.random.fold_in(key, 1))
        for row, pixels in zip(shown, rendered, strict=True):
            drawn[row] = replace(drawn[row], pixels=pixels)
        return drawn

    def texts(self, index: int, count: int) -> list[Context]:
        """The same examples with black pictures, which take no time."""
        return [self._draw(index, row, pictures=False) for row in range(count)]

    def _draw(self, index: int, row: int, *, pictures: bool) -> Context:
        rng = np.random.default_rng([self.seed, index, row])
        number = int(pick(self.photos, rng))
        kind = pick(list(self.kinds), rng, list(self.kinds.values()))
        state = sample_state(rng) if kind != TEXT else {}
        goal = _sample(kind, state, rng)
        plan = teach(goal, state, 1.0, rng)
        name, crop = self.source.names[number], {}
        pixels = np.zeros((self.size, self.size, 3), np.uint8)
        if pictures and kind != TEXT:  # last, so that the rest is the same without
            photo = Photo(name, self.source.read(number))
            pixels, crop = crop_with_content(photo, rng, self.size, mirror=False)
        label = f"stream-{index}-{row}"
        return Context(label, name, crop, pixels, state, goal, (plan,), (1.0,), kind)


def open_stream(photos: str, kinds: Mapping[str, float], size: int, seed: int) -> Stream:
    """A stream of the photographs of a folder or data set (`open_source`), without HELD_OUT.

    Args:
      photos: as for `open_source`.
      kinds: weights of some of KINDS; they need not add up to 1.
      size: of a picture's side, in pixels.
      seed: of everything that is drawn.

    Raises:
      InputError: for bad arguments, or where no photograph is left.
    """
    check_kinds(kinds)
    source = open_source(photos)
    usable = survey(source).usable
    shown = [i for i in usable.tolist() if source.names[i].rpartition("/")[2] not in HELD_OUT]
    if not shown:
        raise InputError(
            f"{photos}: none of its {len(source.names)} photographs can be trained on (unreadable, "
            "or held out for evaluation); add others"
        )
    total = sum(kinds.values())
    shares = {kind: kinds[kind] / total for kind in KINDS if kinds.get(kind)}
    read = functools.lru_cache(KEPT)(source.read)
    return Stream(source._replace(read=read), np.array(shown), shares, size, seed)


def check_kinds(kinds: Mapping[str, float], name: str = "kinds") -> None:
    """Raises InputError for an unknown kind or weights that are no shares."""
    for kind, weight in kinds.items():
        if kind not in KINDS:
            raise InputError(f"{name}.{kind}: no kind of goal; {nearest(kind, KINDS)}")
        if weight < 0:
            raise InputError(f"{name}.{kind}: {weight} is negative; use 0 for none")
    if not sum(kinds.values()) > 0:
        raise InputError(f"{name}: all weights are 0; give one of {', '.join(KINDS)} a weight")


def completion(example: Context) -> tuple[str, bool]:
    """What the planner has to write, and whether the answer ends there.

    It is the plan's JSON; of kind `read` the beginning of it, up to the context's last value; of
    kind `text` that of an empty context, up to the steps' end.
    """
    (plan,) = example.plans
    if example.teacher == TEXT:
        text = replace(plan, context={}, instruction="").to_json()
        return text.removesuffix(',"instruction":""}'), False
    text = plan.to_json()
    if example.teacher != READ:
        return text, True
    # Where a tokenizer divides in any case: after a word, before the punctuation that follows.
    return text[: len(Plan(plan.context).to_json()) - len('"},"steps":[],"instruction":""}')], False


@in_32_bits
@jax.jit
def vary(crops: np.ndarray, key: jax.Array) -> jax.Array:
    """Crops uint8 [B, H, W, 3] mirrored and lit at random, as float32 in [0, 1]."""

    def one(crop, key):
        turn, light, contrast = jax.random.split(key, 3)
        crop = dm_pix.random_flip_left_right(turn, crop.astype(jnp.float32) / 255)
        crop = dm_pix.random_brightness(light, crop, BRIGHTNESS)
        crop = dm_pix.random_contrast(contrast, crop, 1 - CONTRAST, 1 + CONTRAST)
        return jnp.clip(crop, 0, 1)

    return jax.vmap(one)(crops, jax.random.split(key, len(crops)))


def _sample(kind: str, state: dict[str, str], rng: np.random.Generator) -> Goal:
    if kind == TEXT:
        kind = WISHES if rng.random() < WISHES_SHARE else pick(GOALS, rng)
    elif kind == READ:
        kind = pick(GOALS, rng)
    return sample_wish(rng, state) if kind == WISHES else sample_goal(kind, state, "train", rng)
