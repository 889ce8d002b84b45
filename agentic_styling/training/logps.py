"""Log-probabilities of whole data sets: for validation, and of the reference, which are stored."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import jax
import numpy as np
from jax.experimental import multihost_utils
from tqdm import tqdm

from agentic_styling.losses import check_rows
from agentic_styling.training.batches.batches import Assembler, Batch, batch_shardings
from agentic_styling.training.batches.data_iterator import DataIterator
from agentic_styling.training.mesh import replicated
from agentic_styling.training.preemption import Preemption
from agentic_styling.training.step import PlannerModel, completion_logps
from agentic_styling.utils.atomic import atomic_file
from agentic_styling.utils.errors import InputError, Preempted

SAVES = 100  # of the reference while it is computed


class RowLogps:
    """Computes the summed log-probabilities of completions, in batches of one shape.

    model: of the layout of `assemble`, which makes batches of the rows of a training set. size: of
    a batch, in examples; it divides over the devices unless rows are packed.
    """

    def __init__(self, model: PlannerModel, assemble: Assembler, size: int):
        self.count = len(assemble.data.reward)
        self._assemble, self._size = assemble, size
        self._layout = batch_shardings(model.mesh, pictures=bool(assemble.data.images))

        def logps(trained, frozen, batch):
            part = jax.tree.map(lambda x: x[0], batch)
            return completion_logps(model, trained, frozen, part)

        self._logps = jax.jit(logps, out_shardings=replicated(model.mesh))

    def batches(self, rows: np.ndarray) -> list[np.ndarray]:
        """The rows, int [K], in batches of similar length and one picture size."""
        data, size = self._assemble.data, self._size
        rows = rows[np.argsort(data.length[rows], kind="stable")]
        group = data.picture_group[rows]
        groups = [rows[group == value] for value in np.unique(group)]
        return [part for own in groups for part in np.array_split(own, range(size, len(own), size))]

    def all(self, trained, frozen, rows: np.ndarray) -> np.ndarray:
        """float32 [N]: of the rows, int [K], in all their batches; else 0."""
        values = np.zeros(self.count, np.float32)
        parts = self.batches(rows)
        for part, found in zip(parts, self(trained, frozen, parts), strict=True):
            values[part] = found
        return values

    def __call__(self, trained, frozen, parts: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
        """float32 [K] of each batch of rows, int [K], in turn; the next ones are assembled then."""

        def assembled(index: int) -> Batch:
            # A smaller batch is filled up with its own rows: one shape, one compilation.
            return self._assemble(np.resize(parts[index], self._size)[None])

        batches = DataIterator(assembled, len(parts), self._layout)
        for part, batch in zip(parts, batches, strict=True):
            yield np.asarray(self._logps(trained, frozen, batch))[: len(part)]


def reference_logps(
    path: Path, run: str, logps: RowLogps, trained, frozen, rows: np.ndarray, preemption: Preemption
) -> np.ndarray:
    """Log-probabilities of the rows' completions under these parameters, float32 [N], else 0.

    They are saved in `path` a hundred times on the way; what it holds is not computed again.

    Args:
      path: of an .npy file, a record of `run` and `logps`; NaN is what is still missing.
      run: the fingerprint of the run.
      logps: of all N rows.
      trained, frozen: the parameters of the reference.
      rows: int [K], those that are needed.
      preemption: that may stop the computation.

    Raises:
      InputError: the file is broken or of another run, or a value is not finite.
      Preempted: after SIGTERM, when all values so far are saved.
    """
    dtype = np.dtype([("run", "U64"), ("logps", np.float32, (logps.count,))])
    reference = _read(path, run, dtype)
    if reference is None:
        reference = np.zeros(logps.count, np.float32)
        reference[rows] = np.nan
    if jax.process_count() > 1:  # all compute the same batches, whatever they find
        reference = np.array(multihost_utils.broadcast_one_to_all(reference))
    batches = logps.batches(rows)
    todo = [part for part in batches if np.isnan(reference[part]).any()]
    each, first = -(-len(todo) // SAVES), jax.process_index() == 0
    shown = tqdm(todo, desc="reference", unit="batch", disable=not (todo and first))
    values = logps(trained, frozen, todo)
    for number, part in enumerate(shown, 1):
        reference[part] = next(values)
        last = number == len(todo)
        stop = preemption.reached() and not last
        if first and (number % each == 0 or last or stop):
            with atomic_file(path) as temporary, temporary.open("wb") as file:
                np.save(file, np.array((run, reference), dtype))
        if stop:
            done = len(batches) - len(todo) + number
            raise Preempted(
                f"{path}: stopped by SIGTERM and saved after {done} of {len(batches)} batches; run "
                "the same command again to resume"
            )
    check_rows({"ref_logps": reference})
    return reference


def _read(path: Path, run: str, dtype: np.dtype) -> np.ndarray | None:
    """The stored values; None if there is no file. Raises InputError unless they are of the run."""
    if not path.exists():
        return None
    try:
        stored = np.load(path, allow_pickle=False)
    except (OSError, EOFError, ValueError) as error:
        raise InputError(
            f"{path}: broken ({error}); delete it, then it is computed again"
        ) from error
    if getattr(stored, "dtype", None) != dtype or stored.shape or stored["run"] != run:
        raise InputError(f"{path}: of another run; delete it, then it is computed again")
    return stored["logps"].copy()
