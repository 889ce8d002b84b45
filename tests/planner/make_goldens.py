"""Writes goldens.npz from torch and transformers: `python -m tests.planner.make_goldens`."""

import numpy as np

from . import oracle


def reference_model():
    import torch
    import transformers

    config = transformers.Qwen3VLConfig(**oracle.HF_CONFIG)
    model = transformers.Qwen3VLForConditionalGeneration(config).eval()
    names = {n: tuple(p.shape) for n, p in model.named_parameters()}
    weights = oracle.weights(names)
    model.load_state_dict({n: torch.from_numpy(w) for n, w in weights.items()}, strict=False)
    return model


def run(model, case):
    """Logits [B, S, V] and the gradient of each parameter, as numpy."""
    import torch

    batch = {name: torch.from_numpy(array) for name, array in oracle.batch(case).items()}
    types = (batch["input_ids"] == oracle.IMAGE).int()
    model.zero_grad()
    logits = model(**batch, mm_token_type_ids=types).logits
    mask = batch["attention_mask"].numpy()
    (logits * torch.from_numpy(oracle.cotangent(case, mask))).sum().backward()
    gradients = {
        name: parameter.grad.numpy()
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }
    return logits.detach().numpy() * mask[..., None], gradients


def main():
    model, goldens = reference_model(), {}
    for case in oracle.CASES:
        logits, gradients = run(model, case)
        goldens[f"{case}/logits"] = logits[..., :: oracle.VOCABULARY_STEP]
        for name, gradient in gradients.items():
            goldens[f"{case}/gradient/{name}"] = oracle.project(name, gradient)
    np.savez_compressed(oracle.GOLDENS, **goldens)


if __name__ == "__main__":
    main()
