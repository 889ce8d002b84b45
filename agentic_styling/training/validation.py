"""Validation in the loop: NLL and rewards on the validation split, and when to stop."""

import dataclasses
import math

import jax
import numpy as np
from ml_collections import FrozenConfigDict

from agentic_styling.data import Trajectory, read_trajectories
from agentic_styling.data.scoring import execute_and_score, that_ask
from agentic_styling.data.storage.training_set import build_training_set
from agentic_styling.data.storage.trajectories import best_of_each_context
from agentic_styling.planner import Planner, Tokenizer
from agentic_styling.training.logps import RowLogps
from agentic_styling.training.setup import validation_assembler
from agentic_styling.training.state import TrainState
from agentic_styling.training.step import PlannerModel
from agentic_styling.utils.errors import InputError

PLAN_TOKENS = 320  # of a greedy plan, as in configs/evaluate.py


class Validation:
    """Measures a train state on the validation split, and says which was the best.

    A context counts once, with its best plan, whose NLL a token is measured. With
    config.validate_cases, contexts spread over the split are planned greedily under the plan
    grammar, and the plans are executed and scored by both rewards. The moving average of the
    parameters is measured if there is one, as it is what will be exported.

    Attributes:
      score: of the last validation, the higher the better: the mean reward of the plans, or without
        plans minus the NLL.
      best_step: the latest step with the best score so far; None before the first finite one.
    """

    def __init__(self, config: FrozenConfigDict, model: PlannerModel, tokenizer: Tokenizer):
        self._config, self.score = config, math.nan
        self.best_step, self._best, self._failed = None, None, 0
        if not config.validate_every:
            return
        if config.validate_cases and jax.process_count() > 1:
            raise InputError(
                f"config.validate_cases: {config.validate_cases}, but plans are made by a single "
                "process; use 0, which validates by NLL"
            )
        pictures = config.modality == "vision" or config.validate_cases > 0
        trajectories = read_trajectories(config.data, "validation", image=pictures)
        contexts = best_of_each_context(trajectories)
        rows = build_training_set(
            contexts,
            tokenizer,
            model.images,
            max_length=config.max_length,
            modality=config.modality,
        )
        self._model, assemble = validation_assembler(config, rows, model)
        self._logps = RowLogps(self._model, assemble, config.batch_size // config.microbatches)
        self._tokens = int((rows.length - rows.prompt_length).sum())
        room = model.config.text.max_position_embeddings - int(rows.prompt_length.max())
        self._cases = _cases(contexts, config)
        self._asked = {
            "images": [case.image for case in self._cases],
            "goals": [case.goal for case in self._cases],
            "states": [case.state for case in self._cases],
            "max_new_tokens": min(PLAN_TOKENS, room),
        }
        self._planner = Planner(
            model.config, None, tokenizer, model.images, modality=config.modality
        )
        try:
            if self._cases:
                self._planner.check(**self._asked)
        except InputError as error:
            raise InputError(
                f"config.validate_cases: {config.validate_cases}, but their plans cannot be made "
                f"({error}); use 0, which validates by NLL"
            ) from None

    def due(self, step: int) -> bool:
        """Whether the state after this step, counted from 1, is to be measured."""
        every = self._config.validate_every
        return every > 0 and (step % every == 0 or step == self._config.steps)

    def __call__(self, step: int, state: TrainState, frozen: dict) -> dict[str, float]:
        """The metrics of the state after a step; notes whether it is the best."""
        trained = state.ema or state.params
        logps = self._logps.all(trained, frozen, np.arange(self._logps.count))
        metrics = {"validation_nll": -float(logps.sum(dtype=float)) / self._tokens}
        self.score = -metrics["validation_nll"]
        if self._cases:
            metrics |= self._rewards(trained, frozen)
            self.score = metrics["validation_reward"]
        best = -math.inf if self._best is None else self._best
        self._failed = 0 if self.score > best else self._failed + 1
        if math.isfinite(self.score) and self.score >= best:  # the latest of equals is kept
            self._best, self.best_step = self.score, step
        return metrics

    @property
    def stopped(self) -> bool:
        """Whether config.patience validations in turn were no better than the best."""
        return 0 < self._config.patience <= self._failed

    def get_state(self) -> dict:
        """What a resumed run needs, as JSON."""
        return {"best": self._best, "best_step": self.best_step, "failed": self._failed}

    def set_state(self, state: dict) -> None:
        """Continues from get_state."""
        self._best, self.best_step = state["best"], state["best_step"]
        self._failed = state["failed"]

    def _rewards(self, trained, frozen) -> dict[str, float]:
        """Both mean rewards of greedy plans for the cases."""
        planner = dataclasses.replace(self._planner, params=self._model.merged(trained, frozen))
        cases = self._cases
        plans = planner.plan(**self._asked)
        rewards, held_out = [], []
        for shape in sorted({case.image.shape for case in cases}):
            rows = [row for row, case in enumerate(cases) if case.image.shape == shape]
            scores, _ = execute_and_score(
                np.stack([cases[row].image for row in rows]),
                [plans[row][0] for row in rows],
                [cases[row].request for row in rows],
                seed=self._config.seed,
                label="validation",
            )
            rewards.append(scores["reward"])
            held_out.append(scores["held_out_reward"])
        return {
            "validation_reward": float(np.concatenate(rewards).mean()),
            "validation_held_out_reward": float(np.concatenate(held_out).mean()),
        }


def _cases(contexts: list[Trajectory], config) -> list[Trajectory]:
    """So many contexts as config.validate_cases, or all of fewer, of those that ask for an edit."""
    if not config.validate_cases:
        return []
    asked = that_ask(contexts)
    if not asked:
        raise InputError(
            f"config.validate_cases: {config.validate_cases}, but no validation context of "
            f"{config.data} has a request to score plans against; use 0"
        )
    count = min(config.validate_cases, len(asked))
    return [asked[i] for i in np.linspace(0, len(asked) - 1, count).round().astype(int)]
