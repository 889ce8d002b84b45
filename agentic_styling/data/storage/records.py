"""A trajectory as a record of TensorFlow Datasets: written and read without TensorFlow.

A record is a tf.Example of an array_record file. Pictures are PNG; what has no fixed shape (plan,
request, state, provenance) is JSON text, in the form of a plan's JSON.
"""

import io
import json
from collections.abc import Collection, Iterable
from functools import cache

import numpy as np
from PIL import Image

from agentic_styling.data.photos.photos import to_png
from agentic_styling.data.trajectory import Trajectory
from agentic_styling.rewards import PARTS
from agentic_styling.tools import Plan
from agentic_styling.utils.errors import InputError

SCORES = (*PARTS, "overall")
TEXTS = ("id", "context_id", "split", "photo", "goal", "theme")
JSONS = ("state", "request", "plan", "provenance")


@cache
def features():
    """The FeaturesDict of a record. Raises InputError without tensorflow-datasets."""
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise InputError(
            "tensorflow-datasets is not installed; pip install 'agentic-styling[data]'"
        ) from error
    picture = tfds.features.Image(shape=(None, None, 3), encoding_format="png")
    return tfds.features.FeaturesDict(
        {name: tfds.features.Text() for name in (*TEXTS, *JSONS)}
        | {"image": picture, "edited": picture, "explicit": np.bool_, "reward": np.float32}
        | {"scores": dict.fromkeys(SCORES, np.float32)}
    )


def to_record(trajectory: Trajectory, image: bytes | None = None) -> bytes:
    """The bytes of a record; the same trajectory gives the same bytes.

    image: its picture as PNG, where it is encoded already.
    Raises InputError for one without its edited picture.
    """
    if trajectory.edited is None:
        raise InputError(f"trajectory {trajectory.id}: has no edited picture; execute its plan")
    given = {name: getattr(trajectory, name) for name in (*TEXTS, "explicit", "reward")}
    given["state"] = _json(trajectory.state)
    given["provenance"] = _json(trajectory.provenance)
    given["plan"] = trajectory.plan.to_json()
    given["request"] = _json(
        [{"tool": s.tool, "parameters": s.parameters} for s in trajectory.request]
    )
    given["scores"] = {name: trajectory.scores[name] for name in SCORES}
    given["image"] = io.BytesIO(image or encode_picture(trajectory.image))
    given["edited"] = io.BytesIO(encode_picture(trajectory.edited))
    example = _serializer().get_tf_example(features().encode_example(given))
    return example.SerializeToString(deterministic=True)


def read_set(
    directory,
    split: str,
    *,
    contexts: Collection[str] | None = None,
    image: bool = True,
    edited: bool = False,
) -> list[Trajectory]:
    """The trajectories of a split, or of "train+test", "all", .., of a set's directory.

    A context's trajectories share one array. contexts: ids, None for all; nothing is decoded of
    others. image, edited: whether those pictures are.
    Raises InputError for a directory without a set, a split that is not there, and a bad record.
    """
    rows, pictures, found = _open(directory, split), {}, []
    for number in range(len(rows)):
        row, where = rows[number], f"{directory}, {split}[{number}]"
        context = _text(row["context_id"])
        if contexts is not None and context not in contexts:
            continue
        if image and context not in pictures:
            pictures[context] = _picture(row["image"], where)
        row["image"] = pictures.get(context)
        row["edited"] = _picture(row["edited"], where) if edited else None
        found.append(from_record(row, where))
    return found


def _open(directory, split: str):
    """The rows of a split, whose pictures are the bytes of their files."""
    features()  # which says what to install
    import tensorflow_datasets as tfds

    skip = tfds.decode.SkipDecoding()
    try:
        builder = tfds.builder_from_directory(directory)
    except Exception as error:
        why = " ".join(str(error).split())[:120]
        raise InputError(f"{directory}: no set that can be read ({why}); build it") from error
    try:
        return builder.as_data_source(split, decoders={"image": skip, "edited": skip})
    except ValueError:
        raise InputError(f"{directory}: {no_split(split, builder.info.splits)}") from None


def no_split(split: str, splits: Iterable[str]) -> str:
    """That a directory lacks a split, in words."""
    known = ", ".join(sorted(splits)) or "no trajectory"
    return f"holds no split {split!r}, only {known}; give a directory that has it"


def from_record(row: dict, where: str) -> Trajectory:
    """The trajectory of a row as a `tfds.data_source` gives it.

    where: names the row in errors. Raises InputError naming the field that is bad.
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
    return Trajectory(
        **values,
        image=row["image"],
        edited=row["edited"],
        state=parsed["state"],
        explicit=bool(row["explicit"]),
        request=request,
        plan=plan,
        # Three decimals were written; a record holds single precision.
        reward=round(float(row["reward"]), 3),
        scores={name: round(float(row["scores"][name]), 3) for name in SCORES},
        provenance=parsed["provenance"],
    )


def encode_picture(image: np.ndarray) -> bytes:
    """A picture of a record, uint8 [H, W, 3], as PNG: written fast rather than small."""
    return to_png(image, compress_level=1)


@cache
def _serializer():
    from tensorflow_datasets.core.example_serializer import ExampleSerializer

    return ExampleSerializer(features().get_serialized_info())


def _picture(data: bytes, where: str) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.array(image.convert("RGB"))
    except (OSError, ValueError) as error:
        raise InputError(f"{where}: its picture cannot be read ({error}); build it again") from None


def _json(value) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _text(value) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
