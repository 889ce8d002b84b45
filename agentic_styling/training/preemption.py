"""Preemption by SIGTERM: all hosts stop after the same batch."""

import signal
import threading

import jax
from jax.experimental import multihost_utils


class Preemption:
    """A context in which SIGTERM does not kill; `reached` says after which batch to stop."""

    def __enter__(self):
        self._wanted, self._batches = False, 0
        # Of several processes JAX's own handler notifies the others.
        self._handles = (
            jax.process_count() == 1 and threading.current_thread() is threading.main_thread()
        )
        if self._handles:
            self._before = signal.signal(signal.SIGTERM, self._note)
        return self

    def __exit__(self, *_):
        if self._handles:
            signal.signal(signal.SIGTERM, self._before)

    def _note(self, *_):
        self._wanted = True

    def reached(self) -> bool:
        """Whether to stop after this batch; the same on all hosts, which call it after each."""
        self._batches += 1
        if jax.process_count() > 1:
            return multihost_utils.reached_preemption_sync_point(self._batches)
        return self._wanted
