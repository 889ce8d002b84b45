"""Preemption by SIGTERM: all hosts stop after the same step."""

import signal
import threading

import jax
from jax.experimental import multihost_utils


class Preemption:
    """A context in which SIGTERM does not kill; `reached` says after which step to stop."""

    def __enter__(self):
        self._wanted = False
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

    def reached(self, step: int) -> bool:
        """Whether to stop after this step; the same on all hosts."""
        if jax.process_count() > 1:
            return multihost_utils.reached_preemption_sync_point(step)
        return self._wanted
