"""A trajectory as a record of TensorFlow Datasets, written and read without TensorFlow.

A record is a tf.Example of an array_record file. Pictures are PNG; what has no fixed shape (plan,
request, state, provenance) is JSON text, in the form of a plan's JSON. A score that a trajectory
lacks is NaN.
"""

import io
import json
from collections.abc import Sequence
from functools import cache

import numpy as np
from PIL import Image

from agentic_styling.data.trajectory import Trajectory
from agentic_styling.rewards import PARTS
from agentic_styling.tools import Plan
from agentic_styling.utils.errors import InputError

SCORES = (*PARTS, "overall")
TEXTS = ("id", "context_id", "split", "photo", "goal", "theme")
JSONS = ("state", "request", "plan", "provenance")


@cache
def features(edited: bool = True):
    """The FeaturesDict of a record, with or without an edited picture.

    Raises InputError without tensorflow-datasets.
    """
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise InputError(
            "tensorflow-datasets is not installed; pip install 'agentic-styling[data]'"
        ) from error
    picture = tfds.features.Image(shape=(None, None, 3), encoding_format="png")
    pictures = dict.fromkeys(("image", "edited") if edited else ("image",), picture)
    return tfds.features.FeaturesDict(
        {name: tfds.features.Text() for name in (*TEXTS, *JSONS)}
        | pictures
        | {"explicit": np.bool_, "reward": np.float32}
        | {"scores": dict.fromkeys(SCORES, np.float32)}
    )


def to_records(trajectories: Sequence[Trajectory], *, edited: bool = True) -> list[bytes]:
    """The bytes of the records; the same trajectories give the same bytes.

    edited: whether to keep the edited pictures. Raises InputError if one is missing.
    """
    pictures = {t.context_id: t.image for t in trajectories}  # encoded once for a context
    pictures = {context: _encode(image) for context, image in pictures.items()}
    return [_to_record(t, pictures[t.context_id], edited) for t in trajectories]


def _to_record(trajectory: Trajectory, image: bytes, edited: bool) -> bytes:
    if edited and trajectory.edited is None:
        raise InputError(f"trajectory {trajectory.id}: has no edited picture; execute its plan")
    given = {name: getattr(trajectory, name) for name in (*TEXTS, "explicit", "reward")}
    given["state"] = _json(trajectory.state)
    given["provenance"] = _json(trajectory.provenance)
    given["plan"] = trajectory.plan.to_json()
    given["request"] = _json(
        [{"tool": s.tool, "parameters": s.parameters} for s in trajectory.request]
    )
    given["scores"] = {name: trajectory.scores.get(name, np.nan) for name in SCORES}
    given["image"] = io.BytesIO(image)
    if edited:
        given["edited"] = io.BytesIO(_encode(trajectory.edited))
    example = _serializer(edited).get_tf_example(features(edited).encode_example(given))
    return example.SerializeToString(deterministic=True)


def from_record(row: dict, where: str) -> Trajectory:
    """The trajectory of a row of a `tfds.data_source`, with pictures as arrays or None.

    Raises InputError naming `where` and the field that is bad.
    """
    values = {name: _text(row[name]) for name in TEXTS}
    parsed = {}
    for name in JSONS:
        try:
            parsed[name] = json.loads(_text(row[name]))
        except ValueError as error:
            raise InputError(
                f"{where}: {name} is not JSON ({error}); build the set again"
            ) from None
    try:
        plan = Plan.from_json(parsed["plan"])
        request = Plan.from_json({"context": parsed["state"], "steps": parsed["request"]}).steps
    except InputError as error:
        raise InputError(f"{where}: plan, state or request: {error}") from None
    # Three decimals were written; a record holds single precision.
    scores = {name: round(float(row["scores"][name]), 3) for name in SCORES}
    return Trajectory(
        **values,
        image=row["image"],
        edited=row["edited"],
        state=parsed["state"],
        explicit=bool(row["explicit"]),
        request=request,
        plan=plan,
        reward=round(float(row["reward"]), 3),
        scores={name: score for name, score in scores.items() if not np.isnan(score)},
        provenance=parsed["provenance"],
    )


def _encode(image: np.ndarray) -> bytes:
    """A picture as PNG, written fast rather than small."""
    out = io.BytesIO()
    Image.fromarray(image).save(out, "PNG", compress_level=1)
    return out.getvalue()


def decode_picture(data: bytes, where: str) -> np.ndarray:
    """The picture of a record, uint8 [H, W, 3]. Raises InputError naming the row."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.array(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"{where}: its picture cannot be read ({error}); build it again") from None


@cache
def _serializer(edited: bool):
    from tensorflow_datasets.core.example_serializer import ExampleSerializer

    return ExampleSerializer(features(edited).get_serialized_info())


def _json(value) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _text(value) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
