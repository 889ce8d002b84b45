"""Trajectories read from a set, and trajectories that are already scored written as a set."""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from agentic_styling.data.storage.records import decode_picture, features, from_record, to_records
from agentic_styling.data.storage.shards import NAME, SetDirectory, is_finished
from agentic_styling.data.trajectory import SPLITS, Trajectory
from agentic_styling.utils.errors import InputError, nearest, one_line

ROWS_PER_SHARD = 1024
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def read_trajectories(
    directory,
    split: str | None = None,
    *,
    contexts: Collection[str] | None = None,
    image: bool = True,
    edited: bool = False,
) -> list[Trajectory]:
    """Reads the trajectories of a set.

    Args:
      directory: of the set, as `build` prints it.
      split: "train", "validation" or "test"; None for all.
      contexts: context ids; None for all. Pictures of others are not decoded.
      image, edited: whether those pictures are decoded. A context's trajectories share one image.

    Returns:
      Trajectories by split, in the order in which they were written.

    Raises:
      InputError: there is no set, it lacks the split, or it is damaged; names what.
    """
    if split is not None and split not in SPLITS:
        raise InputError(f"{directory}: split={split!r} is not known; {nearest(split, SPLITS)}")
    sources = _open(Path(directory), split)
    return [
        trajectory
        for name, rows in sources.items()
        for trajectory in _read_split(f"{directory}, {name}", rows, contexts, image, edited)
    ]


def best_of_each_context(rows: Iterable[Trajectory]) -> list[Trajectory]:
    """The trajectory with the highest reward of each context, by context id; of equals the last."""
    best = {row.context_id: row for row in sorted(rows, key=lambda row: row.reward)}
    return [best[context] for context in sorted(best)]


def write_trajectories(
    directory,
    trajectories: Sequence[Trajectory],
    settings: dict | None = None,
    card: str = "Scored trajectories.",
) -> None:
    """Writes trajectories as a set; resumes one of the same trajectories and settings.

    Args:
      directory: a new one. It holds the set itself.
      trajectories: with pictures; edited ones are kept if every trajectory has one.
      settings: any JSON object, kept with the set.
      card: the second paragraph of the set's card.

    Raises:
      InputError: there is nothing to write, a value is out of range, or the directory holds
        anything else.
    """
    splits = checked_splits(trajectories)
    if not splits:
        raise InputError(f"{directory}: no trajectories to write; give one or more")
    edited = all(t.edited is not None for t in trajectories)
    shards = {split: -(-len(rows) // ROWS_PER_SHARD) for split, rows in splits.items()}
    target = SetDirectory(directory, shards)
    target.claim((settings or {}) | {"trajectories": _digest(trajectories)})
    for split, number in target.missing():
        rows = splits[split][number * ROWS_PER_SHARD :][:ROWS_PER_SHARD]
        target.write(split, number, to_records(rows, edited=edited), {})
    if not is_finished(target.path):
        counts = ", ".join(f"{len(splits[split]):,} of {split}" for split in shards)
        target.finish(f"# {NAME}\n\n{card}\n\nTrajectories: {counts}.\n", edited=edited)


def fingerprint(trajectories: Iterable[Trajectory]) -> str:
    """A sha256 that tells trajectories from any others, by all that they hold but the pictures."""
    sha256 = hashlib.sha256()
    for t in trajectories:
        fields = [t.id, t.context_id, t.split, t.photo, t.goal, t.state, t.provenance]
        fields += [t.plan.to_json(), t.reward, t.scores]
        sha256.update(json.dumps(fields, sort_keys=True).encode() + b"\n")
    return sha256.hexdigest()


def checked_splits(trajectories: Iterable[Trajectory]) -> dict[str, list[Trajectory]]:
    """The trajectories by split, in the order of SPLITS.

    Raises InputError for a context whose name cannot name a file, and a bad split or reward.
    """
    splits: dict[str, list[Trajectory]] = {}
    for trajectory in trajectories:
        _check(trajectory)
        splits.setdefault(trajectory.split, []).append(trajectory)
    return {split: splits[split] for split in SPLITS if split in splits}


def _check(trajectory: Trajectory) -> None:
    where = f"trajectory {trajectory.id}"
    if not _SAFE_NAME.fullmatch(trajectory.context_id):
        name = trajectory.context_id
        raise InputError(
            f"{where}: context_id={name!r} is not a valid name; use letters, digits, - _ ."
        )
    if trajectory.split not in SPLITS:
        fix = nearest(trajectory.split, SPLITS)
        raise InputError(f"{where}: split={trajectory.split!r}; {fix}")
    if not 0 <= trajectory.reward <= 5:  # also refuses NaN
        raise InputError(f"{where}: reward={trajectory.reward!r} is not within 0 to 5")


def _digest(trajectories: Sequence[Trajectory]) -> str:
    """Of all that the set will hold."""
    sha256 = hashlib.sha256(fingerprint(trajectories).encode())
    for t in trajectories:
        for picture in (t.image, t.edited):
            sha256.update(b"" if picture is None else picture.tobytes())
    return sha256.hexdigest()


def _read_split(where: str, rows, contexts, image: bool, edited: bool) -> list[Trajectory]:
    pictures, trajectories = {}, []
    for number in range(len(rows)):
        place = f"{where}[{number}]"
        try:
            row = rows[number]
            context = row["context_id"].decode()
        except Exception as error:  # of many types
            why = one_line(error)
            raise InputError(f"{place}: damaged ({why}); build the set again") from error
        if contexts is not None and context not in contexts:
            continue
        if image and context not in pictures:
            pictures[context] = decode_picture(row["image"], place)
        row["image"] = pictures.get(context)
        kept = edited and "edited" in row
        row["edited"] = decode_picture(row["edited"], place) if kept else None
        trajectories.append(from_record(row, place))
    return trajectories


def _open(directory: Path, split: str | None) -> dict:
    """The rows of each split, or of one, whose pictures are the bytes of their files."""
    if not directory.is_dir():
        raise InputError(f"{directory}: no such directory; give that of a set, as build prints it")
    if not is_finished(directory):
        raise InputError(
            f"{directory}: holds no finished set; give the directory that build prints, or run "
            "build again to finish it"
        )
    features()  # which says what to install
    import tensorflow_datasets as tfds

    skip = tfds.decode.SkipDecoding()
    try:
        builder = tfds.builder_from_directory(directory)
        known = [name for name in SPLITS if name in builder.info.splits]
        if split is not None and split not in known:
            raise InputError(
                f"{directory}: holds no split {split!r}, only {', '.join(sorted(known))}; give a "
                "directory that has it"
            )
        pictures = {p: skip for p in ("image", "edited") if p in builder.info.features}
        return {
            name: builder.as_data_source(name, decoders=pictures)
            for name in ([split] if split else known)
            if builder.info.splits[name].num_examples
        }
    except InputError:
        raise
    except Exception as error:
        why = one_line(error)
        raise InputError(f"{directory}: damaged ({why}); build the set again") from error
