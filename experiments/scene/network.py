"""The scene network in torch, to be trained, and its weights for the package."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from agentic_styling.tools.executor.scene_estimate import CELL, CELLS

# Added to the logits of other, sky, ground and subject, so that more than half a share is the best
# estimate of strange photographs: chosen on 16 of the tuned-on ones that were kept apart.
_PRIOR = [0.0, 0.4, 1.0, 0.0]


class _Conv(nn.Sequential):
    def __init__(self, before, after, size=1):
        conv = nn.Conv2d(before, after, size, padding=size // 2, bias=False)
        super().__init__(conv, nn.BatchNorm2d(after, momentum=0.05))


class _Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.a, self.b = _Conv(width, width, 3), _Conv(width, width, 3)
        nn.init.constant_(self.b[1].weight, 0.3)

    def forward(self, x):
        return F.relu(x + self.b(F.relu(self.a(x))))


class Network(nn.Module):
    """The network of agentic_styling.tools.executor.scene_estimate, with what only training has."""

    def __init__(self):
        super().__init__()
        a, b, c, d = 32, 48, 64, 80  # channels at 32, 16, 8 and 4 cells
        self.stem, self.entry = _Conv(3 * CELL**2, 40), _Conv(64, a)
        self.e0 = _Residual(a)
        self.down1, self.down2, self.down3 = _Conv(4 * a, b), _Conv(4 * b, c), _Conv(4 * c, d)
        self.e1, self.e2, self.e3 = _Residual(b), _Residual(c), _Residual(d)
        self.g1, self.g2 = nn.Linear(d, 64), nn.Linear(64, d)
        self.row, self.col = nn.Linear(b, b), nn.Linear(b, b)
        self.up0, self.up1, self.up2 = _Conv(b, a), _Conv(c, b), _Conv(d, c)
        self.d0, self.d1, self.d2 = _Residual(a), _Residual(b), _Residual(c)
        self.out, self.head = nn.Conv2d(a, 16, 3, padding=1), nn.Linear(64, 2)
        self.drop, self.drop_head = nn.Dropout2d(0.2), nn.Dropout(0.3)

    def forward(self, pixels, hints):
        """Logits [B, 4, 64, 64] and [B, 2] of pixels and features of the same cells."""
        x = torch.cat([F.relu(self.stem(2 * pixels - 1)), hints], 1)
        e0 = self.e0(F.relu(self.entry(x)))
        e1 = self.e1(F.relu(self.down1(F.pixel_unshuffle(e0, 2))))
        e2 = self.e2(F.relu(self.down2(F.pixel_unshuffle(e1, 2))))
        e3 = self.e3(F.relu(self.down3(F.pixel_unshuffle(self.drop(e2), 2))))
        whole = F.relu(self.g1(e3.mean((2, 3))))
        e3 = self.drop(F.relu(e3 + self.g2(whole)[:, :, None, None]))
        d2 = self.d2(F.relu(_twice(self.up2(e3)) + e2))
        rows = self.row(e1.mean(3).transpose(1, 2)).transpose(1, 2)[..., None]
        columns = self.col(e1.mean(2).transpose(1, 2)).transpose(1, 2)[:, :, None]
        d1 = self.d1(F.relu(_twice(self.up1(self.drop(d2))) + e1 + rows + columns))
        z = self.out(self.d0(F.relu(_twice(self.up0(d1)) + e0)))
        z = z.reshape(-1, 2, 2, 4, CELLS, CELLS).permute(0, 3, 4, 1, 5, 2)
        return z.reshape(-1, 4, 2 * CELLS, 2 * CELLS), self.head(self.drop_head(whole))


def _twice(x):
    return F.interpolate(x, scale_factor=2)


@torch.no_grad()
def folded(network: Network) -> dict[str, np.ndarray]:
    """Weights for scene_estimate: batch norms folded, height x width x in x out, float16."""
    found = {}
    for name, part in network.named_modules():
        if isinstance(part, _Conv):
            conv, norm = part
            gain = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
            kernel = (conv.weight * gain[:, None, None, None]).permute(2, 3, 1, 0)
            bias = norm.bias - norm.running_mean * gain
            if name == "stem":
                kernel = kernel.reshape(CELL, CELL, 3, -1)
            elif name.startswith("down"):
                kernel = kernel.reshape(-1, 2, 2, kernel.shape[3]).permute(1, 2, 0, 3)
        elif isinstance(part, nn.Linear):
            kernel, bias = part.weight.T, part.bias
        elif name == "out":
            kernel, bias = part.weight.permute(2, 3, 1, 0), part.bias + torch.tensor(_PRIOR * 4)
        else:
            continue
        name = "in" if name == "entry" else name
        found |= {f"{name}.kernel": kernel, f"{name}.bias": bias}
    return {k: np.ascontiguousarray(v.numpy().astype(np.float16)) for k, v in found.items()}
