"""The other side of the comparison: transformers on torch, with the oracle's weights."""

import numpy as np

from tests.planner import oracle


def reference_model(hf_config):
    """A transformers model, dense or MoE, in float32 with perturbed weights."""
    import torch
    import transformers

    config = transformers.AutoConfig.for_model(**hf_config)
    model = transformers.AutoModelForImageTextToText.from_config(
        config, experts_implementation="eager"
    ).eval()
    shapes = {name: p.shape for name, p in checkpoint(model).items()}
    drawn = oracle.weights(shapes)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            weight = drawn[name]
            if weight.shape != parameter.shape:
                weight = weight.swapaxes(1, 2)
            parameter.copy_(torch.from_numpy(weight))
    return model


def checkpoint(model, value=lambda parameter: parameter) -> dict:
    """value(parameter) by name, laid out as in a checkpoint: experts input first.

    Parameters of which the value is None are left out.
    """
    hidden, arrays = model.config.text_config.hidden_size, {}
    for name, parameter in model.named_parameters():
        array = value(parameter)
        if array is None:
            continue
        hidden_axis = {"gate_up_proj": 1, "down_proj": 2}.get(name.rpartition(".")[2])
        if hidden_axis and array.shape[hidden_axis] != hidden:
            array = array.swapaxes(1, 2)
        arrays[name] = array
    return arrays


def torch_batch(batch):
    """The oracle's arrays as tensors, with the token types that transformers asks for."""
    import torch

    ids = batch["input_ids"]
    types = (ids == oracle.IMAGE) + 2 * (ids == oracle.VIDEO)
    return {n: torch.from_numpy(a) for n, a in (batch | {"mm_token_type_ids": types}).items()}


def logits_and_gradients(model, batch, cotangent):
    """Logits [B, S, V], 0 at padding, and the gradient of each parameter, as numpy."""
    import torch

    model.zero_grad()
    logits = model(**torch_batch(batch)).logits
    (logits * torch.from_numpy(cotangent)).sum().backward()
    gradients = checkpoint(model, lambda parameter: parameter.grad)
    gradients = {name: gradient.numpy() for name, gradient in gradients.items()}
    return logits.detach().numpy() * np.asarray(batch["attention_mask"])[..., None], gradients
