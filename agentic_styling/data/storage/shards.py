"""A set on disk, as TensorFlow Datasets lays one out, written shard by shard.

ROOT/agentic_styling/SET/VERSION/ holds
  settings.json                                   what the set was asked for
  agentic_styling-SPLIT.array_record-K-of-N       a shard, written atomically
  shards/SPLIT-K.json                             its counts, written just before it
  features.json, dataset_info.json, README.md     written when every shard is there
so `tfds.load("agentic_styling/SET", data_dir=ROOT)` and `tfds.data_source` read it. An interrupted
run leaves at worst temporary files; started again, it writes the shards that are missing. Any
number of processes may share the work, as every shard is a pure function of the settings and its
number.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from agentic_styling.utils.atomic import atomic_file, sync, write_text
from agentic_styling.utils.checks import local_path, read_object
from agentic_styling.utils.errors import InputError

NAME, VERSION = "agentic_styling", "1.0.0"
SETTINGS, COUNTS, INFO, CARD = "settings.json", "shards", "dataset_info.json", "README.md"


def set_path(root, name: str) -> Path:
    """The directory of the set `name` below root."""
    return Path(root) / NAME / name / VERSION


class SetDirectory:
    """A set that is being written.

    Args:
      path: its directory.
      shards: how many shards each split has, as {"train": 47, ...}.
    """

    def __init__(self, path, shards: dict[str, int]):
        self.path, self.shards = local_path(path, "data set"), shards

    def claim(self, settings: dict) -> None:
        """Reserves the directory for these settings (any JSON object), or resumes a set of them.

        Raises:
          InputError: the directory holds a set of other settings, or anything else.
        """
        settings = json.loads(json.dumps(settings))
        path = self.path / SETTINGS
        if not path.exists():
            # Hidden files are what an interrupted or another process's claim is about to rename.
            if self.path.exists() and (not self.path.is_dir() or any(self.path.glob("[!.]*"))):
                raise InputError(f"{self.path}: holds something else; give another directory")
            self.path.mkdir(parents=True, exist_ok=True)
            write_text(path, json.dumps(settings, indent=1) + "\n")
        written = read_json(path)
        for name in sorted(written.keys() | settings.keys()):
            if written.get(name) != settings.get(name):
                raise InputError(
                    f"{self.path}: holds a set of {name}={written.get(name)!r}, asked for "
                    f"{settings.get(name)!r}; give another directory or remove this one"
                )
        (self.path / COUNTS).mkdir(exist_ok=True)

    def shard(self, split: str, number: int) -> Path:
        """The file of a shard."""
        count = self.shards[split]
        return self.path / f"{NAME}-{split}.array_record-{number:05d}-of-{count:05d}"

    def missing(self) -> list[tuple[str, int]]:
        """(split, number) of the shards that are still to be written, in order."""
        every = [(split, k) for split, count in self.shards.items() for k in range(count)]
        return [which for which in every if not self.shard(*which).exists()]

    def write(self, split: str, number: int, records: Sequence[bytes], counts: dict) -> None:
        """Writes a shard and its counts (any JSON object; "records" is added)."""
        from array_record.python.array_record_module import ArrayRecordWriter

        counts = json.dumps(counts | {"records": len(records)})
        write_text(self._counts(split, number), counts + "\n")
        with atomic_file(self.shard(split, number)) as temporary:
            writer = ArrayRecordWriter(str(temporary), "group_size:1")
            for record in records:
                writer.write(record)
            writer.close()
        sync(self.path)

    def counts(self, split: str) -> list[dict]:
        """The counts of a split's shards, in order."""
        return [read_json(self._counts(split, k)) for k in range(self.shards[split])]

    def finish(self, card: str, *, edited: bool = True) -> None:
        """Writes what makes the shards a data set, the card last. Every shard must be there.

        Args:
          card: Markdown; its second paragraph describes the set.
          edited: whether the records have edited pictures.
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
        for temporary in self.path.rglob(".*"):  # of runs that were interrupted
            temporary.unlink()
        tfds.folder_dataset.write_metadata(
            data_dir=self.path,
            features=features(edited),
            version=VERSION,
            split_infos=infos,
            description=card.split("\n\n")[1],
            check_data=False,
        )
        write_text(self.path / CARD, card)

    def _counts(self, split: str, number: int) -> Path:
        return self.path / COUNTS / f"{split}-{number:05d}.json"


def is_finished(directory) -> bool:
    """Whether a directory is a set with all its shards."""
    return (Path(directory) / CARD).is_file() and (Path(directory) / INFO).is_file()


def totals(counts: Iterable[dict]) -> dict[str, Counter]:
    """The sums over counts of each of their fields that is {word: number}."""
    sums = defaultdict(Counter)
    for shard in counts:  # not sum(), which copies what it has so far each time
        for name, numbers in shard.items():
            if isinstance(numbers, dict):
                sums[name].update(numbers)
    return sums


def read_json(path: Path) -> dict:
    """A JSON object of a set. Raises InputError if it is missing or anything else."""
    return read_object(path, "build the set again")
