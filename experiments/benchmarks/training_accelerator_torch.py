"""The same step on a GPU by a plain torch loop: the model of transformers, LoRA of peft.

bfloat16 by autocast over float32 weights, a frozen model in bfloat16, fused AdamW, and logits of
the completions only. Activations are recomputed only if they do not fit.
"""

import contextlib
import gc
import json
import sys
import time

import numpy as np
import timing
import training_sides
from training_accelerator import RANK, Work, full_batch, prepare, work_flops


def inputs_of(work: Work) -> tuple[dict, dict, float]:
    """An update's model inputs, numpy [M, ...]; the content of config.json; model FLOPs."""
    import jax

    from agentic_styling.planner import image_to_patches
    from agentic_styling.training.mesh import make_mesh

    mesh = make_mesh({}, jax.devices()[:1])
    model = prepare(work._replace(dtype="float32"), mesh).model
    batch = full_batch(work, model)
    pictures = batch.images.reshape(-1, *batch.images.shape[-3:])
    patches, grids = (np.asarray(x) for x in image_to_patches(pictures, model.images))
    parts = batch.tokens.shape[0]
    arrays = {
        "input_ids": batch.tokens.astype(np.int64),
        "attention_mask": np.ones(batch.tokens.shape, np.int64),
        "mm_token_type_ids": (batch.tokens == model.config.image_token_id).astype(np.int32),
        "pixel_values": patches.reshape(parts, -1, patches.shape[-1]),
        "image_grid_thw": grids.reshape(parts, -1, 3).astype(np.int64),
    }
    return arrays, model.config.to_hf(), work_flops(work, model)


def make_model(work: Work, config: dict, device: str):
    """A model with random weights, and with adapters if the work has them."""
    import torch
    import transformers

    config = transformers.Qwen3VLConfig.from_dict(config)
    dtype = torch.float32 if work.kind == "full" else getattr(torch, work.dtype)
    with torch.device(device):
        model = transformers.Qwen3VLForConditionalGeneration._from_config(config, dtype=dtype)
        if work.kind == "full":
            return model.train()
        import peft

        lora = peft.LoraConfig(r=RANK, lora_alpha=32, target_modules=training_sides.TARGETS)
        return peft.get_peft_model(model, lora).train()


def update_of(work: Work, model, arrays: dict, device: str):
    """A call that makes one update; the loss is the mean NLL of the completions."""
    import torch

    parts = [
        {name: torch.tensor(array[part], device=device) for name, array in arrays.items()}
        for part in range(work.microbatches)
    ]
    trained = [p for p in model.parameters() if p.requires_grad]
    rate, decay = training_sides.RATE, training_sides.DECAY
    optimizer = torch.optim.AdamW(
        trained, lr=rate, betas=(0.9, 0.95), weight_decay=decay, fused=True
    )
    completion = work.length - work.prompt
    dtype = getattr(torch, work.dtype)

    def update():
        total = 0.0
        for part in parts:
            with torch.autocast(device, dtype, enabled=dtype != torch.float32):
                output = model(**part, use_cache=False, logits_to_keep=completion + 1)
            logits, labels = output.logits[:, :-1], part["input_ids"][:, -completion:]
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), labels.flatten())
            (loss / work.microbatches).backward()
            total += loss.item() / work.microbatches
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return total

    return update


def measure(work: Work, rounds: int) -> dict:
    """Seconds, FLOPs and memory of a `Work`, and whether activations were kept."""
    import torch

    arrays, config, flops = inputs_of(work)
    for kept in (True, False):
        torch.cuda.reset_peak_memory_stats()  # of an attempt that did not fit
        model = make_model(work, config, "cuda")
        if not kept:
            model.gradient_checkpointing_enable({"use_reentrant": False})
        taken = []
        with contextlib.suppress(torch.OutOfMemoryError):
            update = update_of(work, model, arrays, "cuda")
            for _ in range(rounds + 2):
                begun = time.perf_counter()
                loss = update()
                torch.cuda.synchronize()
                taken.append(time.perf_counter() - begun)
            break
        update = model = None
        gc.collect()
        torch.cuda.empty_cache()
    else:
        return {"seconds": None}
    if not np.isfinite(loss):
        raise SystemExit(f"{work}: torch's loss is {loss}, so its speed is meaningless")
    measured = {"loss": loss, "flops": flops, "kept": kept} | timing.spent(taken[2:])
    return measured | {"peak_gb": torch.cuda.max_memory_allocated() / 2**30}


if __name__ == "__main__":
    print(json.dumps(measure(Work(*json.loads(sys.argv[1])), int(sys.argv[2]))))
