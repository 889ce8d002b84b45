"""A case of a golden from a torch function of columns."""

import torch

from tests.losses.oracles.columns import ROWS


def case(loss: str, names: list[str], options: dict, function) -> dict:
    """Values [B] of function(**columns), and the gradients of their sum, all float64.

    names: the columns that the loss is called with. `function` gets every column by name.
    """
    columns = {name: torch.tensor(values, dtype=torch.float64) for name, values in ROWS.items()}
    differentiable = [name for name in names if name.endswith("logps")]
    for name in differentiable:
        columns[name].requires_grad_()
    values = function(**columns)
    gradients = torch.autograd.grad(
        values.sum(), [columns[name] for name in differentiable], materialize_grads=True
    )
    return {
        "loss": loss,
        "columns": names,
        "options": options,
        "values": values.tolist(),
        "gradients": {n: g.tolist() for n, g in zip(differentiable, gradients, strict=True)},
    }
