"""The data set of TensorFlow Datasets: its configs are the sets that ship with the package.

`import agentic_styling.data.tfds_builder` registers it; then
`tfds.load("agentic_styling/regular", data_dir=ROOT)` gives a tf.data.Dataset of what
`agentic-styling build regular --out ROOT` wrote. `tfds.data_source` needs neither this module nor
TensorFlow.
"""

import tensorflow_datasets as tfds

from agentic_styling.data.goals.sets import SETS
from agentic_styling.data.storage.records import features
from agentic_styling.data.storage.shards import VERSION, is_finished
from agentic_styling.utils.errors import InputError


class AgenticStyling(tfds.core.DatasetBuilder):
    """Scored trajectories of image styling; features: records.py."""

    VERSION = tfds.core.Version(VERSION)
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in SETS]

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(builder=self, features=features())

    def download_and_prepare(self, **_):
        """Does nothing for a set that exists; raises InputError for one that has to be built."""
        root, name = self._data_dir_root, self.builder_config.name
        if is_finished(self.data_path):
            return
        raise InputError(
            f"{root}: holds no set {name!r}; agentic-styling build {name} --photos PHOTOS "
            f"--out {root}"
        )

    _download_and_prepare = download_and_prepare  # which the base class leaves open

    def _as_dataset(self, split, decoders=None, read_config=None, shuffle_files=False):
        """A tf.data.Dataset; TFDS itself only reads array_record by random access."""
        import tensorflow as tf

        config = read_config or tfds.ReadConfig()
        raw = self.as_data_source(split, deserialize_method=tfds.decode.DeserializeMethod.RAW_BYTES)
        numbers = tf.data.Dataset.range(len(raw))
        if shuffle_files:
            again = config.shuffle_reshuffle_each_iteration
            numbers = numbers.shuffle(
                len(raw), config.shuffle_seed, True if again is None else again
            )
        wanted = self.info.features
        if isinstance(decoders, tfds.decode.PartialDecoding):
            wanted, decoders = decoders.extract_features(wanted), decoders.decoders

        def record(number):
            example = tf.numpy_function(lambda i: raw[int(i)], [number], tf.string)
            return wanted.deserialize_example(tf.ensure_shape(example, ()), decoders=decoders)

        return numbers.map(record, num_parallel_calls=tf.data.AUTOTUNE)
