"""SIGTERM: the machine is wanted back. All hosts stop after the same step."""

import signal
import threading

import jax
from jax.experimental import multihost_utils


class Preemption:
    """Within it SIGTERM does not kill; `reached` says after which step to save and leave."""

    def __enter__(self):
        self._wanted = False
        # JAX's own handler, where there are several processes, tells the others.
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
        """Whether the run has to stop after this step; the same on all hosts."""
        if jax.process_count() > 1:
            return multihost_utils.reached_preemption_sync_point(step)
        return self._wanted
