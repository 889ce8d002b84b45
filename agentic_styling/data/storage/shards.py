"""A set on disk, as TensorFlow Datasets lays one out, shard by shard.

ROOT/agentic_styling/SET/VERSION/ holds
  settings.json                                   what the set was asked for
  agentic_styling-SPLIT.array_record-K-of-N       a shard: there whole or not at all
  shards/SPLIT-K.json                             its counts, written just before it
  features.json, dataset_info.json, README.md     written when every shard is there
so `tfds.load("agentic_styling/SET", data_dir=ROOT)` and `tfds.data_source` read it. A killed run
leaves at worst files that begin with a dot; started again, it makes what is missing. Any number of
processes may share the work, as every shard is a pure function of the settings and its number.
"""

import json
import os
import uuid
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from agentic_styling.utils.atomic import sync
from agentic_styling.utils.errors import InputError

NAME, VERSION = "agentic_styling", "1.0.0"
SETTINGS, COUNTS, INFO, CARD = "settings.json", "shards", "dataset_info.json", "README.md"


class SetDirectory:
    """One set of ROOT. shards: how many each split has, as {"train": 47, ...}."""

    def __init__(self, root, name: str, shards: dict[str, int]):
        self.name, self.shards = name, shards
        self.path = Path(root) / NAME / name / VERSION

    def claim(self, settings: dict) -> None:
        """Take the place for these settings (any JSON object), or go on where they were begun.

        Raises InputError where it holds a set of other settings, or anything else.
        """
        settings = json.loads(json.dumps(settings))
        path = self.path / SETTINGS
        if not path.exists():
            if self.path.exists() and any(self.path.iterdir()):
                raise InputError(f"{self.path}: holds something else; give another directory")
            (self.path / COUNTS).mkdir(parents=True, exist_ok=True)
            _write(path, json.dumps(settings, indent=1) + "\n")
        found = _read(path)
        for name in sorted(found.keys() | settings.keys()):
            if found.get(name) != settings.get(name):
                raise InputError(
                    f"{self.path}: holds a set of {name}={found.get(name)!r}, asked for "
                    f"{settings.get(name)!r}; give another directory or remove this one"
                )

    def shard(self, split: str, number: int) -> Path:
        """The file of a shard."""
        count = self.shards[split]
        return self.path / f"{NAME}-{split}.array_record-{number:05d}-of-{count:05d}"

    def missing(self) -> list[tuple[str, int]]:
        """(split, number) of the shards that are still to be written, in order."""
        every = [(split, k) for split, count in self.shards.items() for k in range(count)]
        return [which for which in every if not self.shard(*which).exists()]

    def write(self, split: str, number: int, records: Sequence[bytes], counts: dict) -> None:
        """Write a shard and its counts (any JSON object; "records" is added)."""
        from array_record.python.array_record_module import ArrayRecordWriter

        path = self.shard(split, number)
        _write(self._counts(split, number), json.dumps(counts | {"records": len(records)}) + "\n")
        beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
        try:
            writer = ArrayRecordWriter(str(beside), "group_size:1")
            for record in records:
                writer.write(record)
            writer.close()
            sync(beside)
            os.rename(beside, path)
            sync(path.parent)
        finally:
            beside.unlink(missing_ok=True)

    def counts(self, split: str) -> list[dict]:
        """The counts of a split's shards, in order."""
        return [_read(self._counts(split, k)) for k in range(self.shards[split])]

    def finish(self, card: str) -> None:
        """Write what makes the shards a data set, and last the card, Markdown.

        Every shard must be there. The card's second paragraph describes the set.
        """
        import tensorflow_datasets as tfds

        from agentic_styling.data.storage.records import features

        infos = []
        for split in self.shards:
            template = tfds.core.ShardedFileTemplate(
                data_dir=self.path, dataset_name=NAME, split=split, filetype_suffix="array_record"
            )
            sizes = [self.shard(split, k).stat().st_size for k in range(self.shards[split])]
            infos.append(
                tfds.core.SplitInfo(
                    name=split,
                    shard_lengths=[c["records"] for c in self.counts(split)],
                    num_bytes=sum(sizes),
                    filename_template=template,
                )
            )
        for left in self.path.rglob(".*"):  # of runs that were killed
            left.unlink()
        tfds.folder_dataset.write_metadata(
            data_dir=self.path,
            features=features(),
            version=VERSION,
            split_infos=infos,
            description=card.split("\n\n")[1],
            check_data=False,
        )
        _write(self.path / CARD, card)

    def _counts(self, split: str, number: int) -> Path:
        return self.path / COUNTS / f"{split}-{number:05d}.json"


def is_finished(directory) -> bool:
    """Whether a directory is a set with all its shards."""
    return (Path(directory) / CARD).is_file() and (Path(directory) / INFO).is_file()


def total(counts: Sequence[dict], name: str) -> Counter:
    """The sum of a field {word: number} over counts."""
    return sum((Counter(c[name]) for c in counts), Counter())


def _read(path: Path) -> dict:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: missing or not JSON ({error}); build the set again") from None


def _write(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    with open(beside, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.rename(beside, path)
