"""The two sides of the training benchmark: this project, and a plain torch loop.

Each call is one update on the next batch. Both sides have the same trajectories and weights.
"""

import itertools
import json
import sys
from pathlib import Path

import numpy as np

RATE, DECAY, RANK = 1e-5, 0.01, 16
CYCLE = 8  # different batches, which are repeated
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
SAVING = 3  # updates during which a checkpoint is written


def make_config(directory: str, options: dict):
    """The config of a row; options as `training.options` makes them."""
    from agentic_styling import training
    from agentic_styling.data.storage.shards import set_path

    config = training.default_config(options["loss"])
    config.update(
        data=str(set_path(f"{directory}/data", "demo")),
        init_from=f"{directory}/{options['size']}",
        steps=CYCLE,
        batch_size=options["batch"],
        microbatches=options.get("microbatches", 1),
        packing=options["packing"],
        packed_length=options.get("packed_length", 0),
        learning_rate=RATE,
        schedule="constant",
        warmup_steps=0,
        weight_decay=DECAY,
    )
    config.lora.rank = options["rank"]
    return training.config.checked(config)


class Ours:
    """This project: the training step as `train` sets it up."""

    def __init__(self, directory: str, options: dict):
        from agentic_styling.training.loop import prepare
        from agentic_styling.training.mesh import make_mesh
        from agentic_styling.training.setup import load_state, train_step

        self.config, self.mesh = make_config(directory, options), make_mesh({})
        self.model, self.data, _, kwargs, self.layout = prepare(self.config, self.mesh)
        self.state, self.frozen = load_state(self.config, self.model, self.layout)
        self.reference = self._reference() if options["loss"] == "dpo" else None
        self.update = train_step(self.config, self.model, kwargs, self.layout)

    def _reference(self):
        from agentic_styling.training.logps import RowLogps
        from agentic_styling.training.setup import assembler

        size = self.config.batch_size // self.config.microbatches
        logps = RowLogps(self.model, assembler(self.config, self.data, self.mesh, None), size)
        rows = np.unique(np.concatenate([self.data.schedule(step) for step in range(CYCLE)]))
        return logps.all(self.state.params, self.frozen, rows)

    def batches(self):
        """An endless iterator of prefetched batches on the device."""
        from agentic_styling.training.batches.data_iterator import DataIterator
        from agentic_styling.training.setup import assembler

        assemble = assembler(self.config, self.data, self.mesh, self.reference)

        def make(step):
            return assemble(self.data.micro_batches(step % CYCLE))

        return iter(DataIterator(make, 100_000, self.layout.batch))

    def step(self):
        """One update of the next batch."""
        batches = self.batches()

        def call():
            self.state, values = self.update(self.state, self.frozen, next(batches))
            return float(values["loss"])

        return call

    def steps_with_a_save(self):
        """A pair of calls: updates during which a checkpoint is written, and as many without."""
        import tempfile

        from agentic_styling.training.checkpoints import Checkpoints

        call, folder = self.step(), tempfile.mkdtemp()
        checkpoints = Checkpoints(Path(folder), "benchmark", last=1)

        def saving():
            call()
            checkpoints.save(self.state, {})
            for _ in range(SAVING - 1):
                call()
            checkpoints._manager.wait_until_finished()

        def plain():
            for _ in range(SAVING):
                call()

        return saving, plain


class Torch:
    """The unmodified transformers model, padding to the longest row, AdamW, and LoRA by peft."""

    def __init__(self, directory: str, options: dict):
        import torch
        import transformers

        from agentic_styling.planner import Tokenizer
        from agentic_styling.training import setup
        from agentic_styling.training.mesh import make_mesh

        self.torch, self.pair = torch, options["loss"] == "dpo"
        config = make_config(directory, options | {"packing": False})
        ours = setup.planner_model(config, make_mesh({}))
        data = setup.read_data(config, Tokenizer(config.init_from), ours)
        load = transformers.Qwen3VLForConditionalGeneration.from_pretrained
        self.model = load(config.init_from, dtype=torch.float32).train()
        if options["rank"]:
            import peft

            lora = peft.LoraConfig(r=options["rank"], lora_alpha=32, target_modules=TARGETS)
            self.model = peft.get_peft_model(self.model, lora)
        self.given = [self._batch(data, ours, step) for step in range(CYCLE)]

    def _batch(self, data, ours, step):
        """The model inputs and labels of a step, as a processor and a collator make them."""
        from agentic_styling.planner import image_to_patches

        torch, of = self.torch, data.training_set
        rows = data.schedule(step)
        if self.pair:
            rows = np.concatenate([rows[::2], rows[1::2]])  # chosen, then rejected
        length = of.length[rows].max()
        places = np.arange(length)
        tokens = of.tokens[rows, :length].astype(np.int64)
        mask = places < of.length[rows][:, None]
        labels = np.where(mask & (places >= of.prompt_length[rows][:, None]), tokens, -100)
        images = np.stack([of.images[i] for i in of.image[rows]])
        patches, grids = (np.asarray(x) for x in image_to_patches(images, ours.images))
        arrays = {
            "input_ids": tokens,
            "attention_mask": mask.astype(np.int64),
            "pixel_values": patches.reshape(-1, patches.shape[-1]),
            "image_grid_thw": grids.reshape(-1, 3).astype(np.int64),
            "mm_token_type_ids": (tokens == ours.config.image_token_id).astype(np.int32),
        }
        inputs = {name: torch.from_numpy(array) for name, array in arrays.items()}
        return inputs, torch.from_numpy(labels)

    def _logps(self, inputs, labels):
        """Log-probabilities of label tokens [B, S - 1], 0 elsewhere, and the mask of labels."""
        logits = self.model(**inputs, use_cache=False).logits[:, :-1]
        labels = labels[:, 1:]
        flat = self.torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), labels.flatten(), ignore_index=-100, reduction="none"
        )
        return -flat.view(labels.shape), labels != -100

    def step(self):
        """One update of the next batch."""
        torch = self.torch
        trained = [p for p in self.model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(
            trained, lr=RATE, betas=(0.9, 0.95), weight_decay=DECAY, fused=True
        )
        reference = [None] * CYCLE
        if self.pair:
            with torch.no_grad():
                reference = [self._logps(*given)[0].sum(1) for given in self.given]
        batches = itertools.cycle(zip(self.given, reference, strict=True))

        def call():
            given, before = next(batches)
            logps, real = self._logps(*given)
            if self.pair:
                chosen, rejected = (logps.sum(1) - before).chunk(2)
                loss = -torch.nn.functional.logsigmoid(0.1 * (chosen - rejected)).mean()
            else:
                loss = -logps.sum() / real.sum()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            return loss.item()

        return call


SIDES = {"Ours": Ours, "Torch": Torch}

if __name__ == "__main__":
    import timing

    _, given, side, method, options = sys.argv
    timing.serve(lambda: getattr(SIDES[side](given, json.loads(options)), method)())
