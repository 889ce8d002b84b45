"""The planner: photographs and goals in, plans out. Everything that plans goes through it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from agentic_styling.planner.checkpoints.hf_checkpoint import load_pretrained, read_config
from agentic_styling.planner.decoding.completions import (
    Completion,
    completions_of,
    force_tokens,
    texts_of,
)
from agentic_styling.planner.decoding.generation import GenerateResult, check_grammar, generate
from agentic_styling.planner.decoding.grammar import PlanGrammar, compile_plan_grammar
from agentic_styling.planner.decoding.plan_forms import PLAN_FORMS, force_contexts
from agentic_styling.planner.inputs.images import (
    ImageSettings,
    bucket,
    chunk_rows,
    count_image_tokens,
    images_to_patches,
    take_rows,
)
from agentic_styling.planner.inputs.prompts import encode_prompts, pad_rows
from agentic_styling.planner.inputs.tokenizer import Tokenizer
from agentic_styling.planner.model.config import Qwen3VLConfig
from agentic_styling.planner.model.qwen3_vl import Inputs
from agentic_styling.planner.pretrained import pretrained_directory
from agentic_styling.planner.settings import PlannerSettings, check_fit
from agentic_styling.tools import Plan, PlanError
from agentic_styling.utils.checks import check_temperature
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.precision import in_32_bits

ROWS = 64  # rows decoded together
PATCHES = 1 << 16  # most patches of the pictures encoded together
TEXT_MULTIPLE = 64  # text is padded to a multiple of this, so that goals share a program


@dataclasses.dataclass(frozen=True)
class Planner:
    """A model with its tokenizer, image settings and planner settings.

    Args:
      config, params: of the model, as by `load_pretrained`.
      tokenizer: that the model was trained with.
      images: how photographs become patches.
      form: how plans are written, one of `PLAN_FORMS`.
      system: whether prompts explain the tools and the form, for models not trained on our plans.
      modality: "vision" reads the photograph; "text" reads a known state in its place.
      directory: where the planner was read from.
    """

    config: Qwen3VLConfig
    params: Any
    tokenizer: Tokenizer
    images: ImageSettings = ImageSettings()
    form: str = "json"
    system: bool = False
    modality: str = "vision"
    directory: Path | None = None

    def __post_init__(self):
        PlannerSettings(self.modality, self.form)  # checks both

    @classmethod
    def from_pretrained(
        cls,
        directory: str | Path,
        *,
        dtype=None,
        form: str | None = None,
        system: bool = False,
        weights: bool = True,
    ) -> Planner:
        """Load a Hugging Face directory, ours or a published Qwen3-VL's.

        Args:
          directory: its planner.json, where there is one, says modality and form.
          dtype: of the parameters; None keeps that of the files.
          form: replaces the directory's form.
          system: whether prompts explain the tools and the form.
          weights: whether they are read; without them only `check` works.

        Raises:
          InputError: a file is missing or broken, or the files do not fit each other.
        """
        if weights:
            config, params = load_pretrained(directory, dtype=dtype)
        else:
            config, params = read_config(directory), None
        settings = PlannerSettings.load(directory)
        tokenizer, images = Tokenizer(directory), ImageSettings.load(directory)
        check_fit(directory, config, tokenizer, images if settings.modality == "vision" else None)
        return cls(
            config,
            params,
            tokenizer,
            images,
            form or settings.form,
            system,
            settings.modality,
            Path(directory),
        )

    @classmethod
    def starter(cls) -> Planner:
        """The planner that ships with the package. Raises InputError if it is not installed."""
        return cls.from_pretrained(pretrained_directory("starter"))

    @functools.cached_property
    def grammar(self) -> PlanGrammar:
        """The constraint that makes every text a valid plan; compiled on first use."""
        if self.form != "json":
            raise InputError(
                f"form {self.form!r} has no grammar; use the form 'json', or constrained=False"
            )
        return compile_plan_grammar(self.tokenizer, self.config.text.vocab_size)

    def plan(
        self,
        images,
        goals: Sequence[str],
        *,
        num_samples: int = 1,
        temperature: float = 0.0,
        seed: int = 0,
        states: Sequence[Mapping[str, str]] | None = None,
        contexts: Sequence[Mapping[str, str]] | None = None,
        constrained: bool = True,
        **options,
    ) -> list[list[Plan | None]]:
        """Plans for each photograph and goal.

        A sample depends on its photograph, goal, seed and place (row and sample number) only, so
        batching does not change it.

        Args:
          images: [B, H, W, 3], uint8 or float in [0, 1], or B arrays [H, W, 3] of any sizes. A
            text planner does not read them; they may be None.
          goals: B texts, one for each photograph.
          num_samples: plans per photograph, at least 1.
          temperature: finite; 0 takes the most likely tokens.
          seed: of the sampling, 0 to 2**32 - 1.
          states: B contexts, dimension -> option, which a text planner reads in place of the
            photographs. A vision planner does not read them.
          contexts: B contexts that the plans begin with, in place of what the planner would read.
          constrained: whether the plan grammar restricts decoding, so that every plan is valid.
          options: top_k, top_p and max_new_tokens (512) of the sampling, see `generate`; and
            kept, a mapping from rows to their texts. Rows that it has are not sampled again, and
            the others are added as they come, for a run that may be interrupted.

        Returns:
          B lists of num_samples plans. With constrained=False a text that is not a valid plan
          gives None; `complete` returns the texts themselves.

        Raises:
          InputError: images, goals and states do not fit each other or this planner, a prompt
            leaves no room for max_new_tokens in the model's context, or the logits are not finite.
        """

        def read(text: str) -> Plan | None:
            try:
                return PLAN_FORMS[self.form].read(text)
            except PlanError:
                return None

        texts = self.complete(
            images,
            goals,
            num_samples=num_samples,
            temperature=temperature,
            seed=seed,
            states=states,
            contexts=contexts,
            constrained=constrained,
            **options,
        )
        return [[read(text) for text in samples] for samples in texts]

    def complete(self, images, goals: Sequence[str], **options) -> list[list[str]]:
        """The raw texts, num_samples for each goal; arguments and errors as for `plan`.

        They are not constrained by default.
        """
        return self.decode(images, goals, functools.partial(texts_of, self.tokenizer), **options)

    def score(
        self,
        images,
        goals: Sequence[str],
        *,
        tokens: Sequence[Sequence[int]] | None = None,
        **options,
    ) -> list[list[Completion]]:
        """`complete`, with the log-probabilities of the texts; kept holds Completions as lists.

        tokens: B rows, each a completion of another planner of the same tokenizer, which are scored
        in place of sampling.
        """
        read = functools.partial(completions_of, self.tokenizer)
        found = self.decode(images, goals, read, tokens=tokens, **options)
        return [[Completion(*each) for each in samples] for samples in found]

    @in_32_bits
    def decode(
        self,
        images,
        goals: Sequence[str],
        read: Callable[[GenerateResult], list],
        *,
        num_samples: int = 1,
        temperature: float = 0.0,
        seed: int = 0,
        states: Sequence[Mapping[str, str]] | None = None,
        contexts: Sequence[Mapping[str, str]] | None = None,
        tokens: Sequence[Sequence[int]] | None = None,
        constrained: bool = False,
        top_k: int = 0,
        top_p: float = 1.0,
        max_new_tokens: int = 512,
        kept: MutableMapping[int, list] | None = None,
        numbers: Sequence[int] | None = None,
    ) -> list[list]:
        """What `read` makes of each sample, num_samples for each goal; other arguments as above.

        read: from the GenerateResult of some rows to a list, an entry for each row. numbers: of the
        rows, int [B], which their samples depend on; by default 0 to B - 1.
        """
        from tqdm import tqdm

        check_temperature(temperature)
        if num_samples < 1:
            raise InputError(f"num_samples {num_samples} is too small; use at least 1")
        if images is not None and not hasattr(images, "dtype"):
            images = [i if hasattr(i, "dtype") else np.asarray(i) for i in images]
        counts, prompts = self._prompts(images, goals, states)
        self._check_lengths(prompts, max_new_tokens)
        forced = self._forced(contexts, len(goals), max_new_tokens)
        if tokens is not None:
            force_tokens(self.tokenizer, tokens, forced)
        options = {
            "max_new_tokens": max_new_tokens,
            "stop_ids": (self.tokenizer.im_end, self.tokenizer.pad),
            "temperature": temperature,
            "top_k": top_k,
            "top_p": top_p,
            "grammar": self.grammar if constrained else None,
            "num_samples": num_samples,
        }
        text = max((len(p) - n for p, n in zip(prompts, counts, strict=True)), default=0)
        answers = {} if kept is None else kept

        def fitting(tokens: int) -> int:
            return min(ROWS // num_samples, PATCHES // max(1, self._patches(tokens)))

        chunks = chunk_rows(counts, fitting)
        for rows in tqdm(chunks, desc="planning", unit="batch", disable=len(chunks) == 1):
            if all(row in answers for row in rows.tolist()):
                continue
            inputs = self._inputs(images, prompts, rows, counts[rows].max(), text)
            options |= {"seed": seed, "rows": rows, "forced": forced[rows]}
            if numbers is not None:
                options["rows"] = np.asarray(numbers)[rows]
            result = generate(self.config, self.params, inputs, **options)
            if not np.isfinite(result.logps).all():
                raise InputError(
                    f"{self.directory or 'planner'}: its logits are not finite, so the weights are "
                    "broken or too large for their dtype; use others, or dtype float32"
                )
            samples = iter(read(result))
            for row in rows.tolist():
                answers[row] = [next(samples) for _ in range(num_samples)]
        return [answers[row] for row in range(len(prompts))]

    def check(
        self, images, goals, *, states=None, contexts=None, constrained=True, max_new_tokens=512
    ) -> None:
        """Raises InputError for what `plan` would refuse; nothing is sampled, no weights are used.

        Arguments as for `plan`.
        """
        _, prompts = self._prompts(images, goals, states)
        self._check_lengths(prompts, max_new_tokens)
        self._forced(contexts, len(goals), max_new_tokens)
        if constrained:
            check_grammar(self.grammar, self.config, max_new_tokens, (self.tokenizer.im_end,))

    def _prompts(self, images, goals, states) -> tuple[np.ndarray, list[list[int]]]:
        """The image tokens of each prompt, int [B], and its token ids."""
        system = PLAN_FORMS[self.form].system_text() if self.system else ""
        if self.modality == "vision":
            number = 0 if images is None else len(images)
            if images is None or number != len(goals):
                raise InputError(f"{number} images and {len(goals)} goals; give an image per goal")
            counts = count_image_tokens(images, "images", self.images)
            return counts, encode_prompts(self.tokenizer, goals, counts, system)
        if states is None:
            raise InputError(
                f"{self.directory or 'planner'}: a text planner reads a known state, not the "
                "photograph; give states, or use a vision planner"
            )
        if len(states) != len(goals):
            raise InputError(f"{len(states)} states and {len(goals)} goals; give a state per goal")
        prompts = encode_prompts(self.tokenizer, goals, 0, system, states=states)
        return np.zeros(len(prompts), int), prompts

    def _check_lengths(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> None:
        limit = self.config.text.max_position_embeddings
        for row, prompt in enumerate(prompts):
            if len(prompt) + max_new_tokens > limit:
                raise InputError(
                    f"goals[{row}]: its prompt has {len(prompt)} tokens and the model's limit is "
                    f"{limit} with max_new_tokens {max_new_tokens}; give a smaller image or a "
                    "shorter goal, or ask for fewer tokens"
                )

    def _forced(self, contexts, count: int, max_new_tokens: int) -> np.ndarray:
        return force_contexts(self.tokenizer, self.form, contexts, count, max_new_tokens)

    def _patches(self, tokens: int) -> int:
        """The number of patches that a picture of so many image tokens is padded to."""
        return bucket(int(tokens) * self.images.merge_size**2) if tokens else 0

    def _inputs(self, images, prompts, rows: np.ndarray, most_tokens: int, text: int) -> Inputs:
        """The model's inputs for some rows.

        most_tokens: image tokens of the largest picture among them; text: tokens of the longest
        text of all rows. Both are padded to buckets, so that another size of picture or another
        goal rarely compiles another program.
        """
        patches = self._patches(most_tokens)
        length = patches // self.images.merge_size**2 + -(-text // TEXT_MULTIPLE) * TEXT_MULTIPLE
        tokens, mask = pad_rows([prompts[row] for row in rows], self.tokenizer.pad, length=length)
        inputs = Inputs(tokens, mask)
        if not patches:
            return inputs
        pixels, grids = images_to_patches(take_rows(images, rows), self.images, patches)
        return inputs.replace(patches=pixels, grids=grids)
