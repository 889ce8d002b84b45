"""Trains the network that tells sky, ground and main subject apart, on hand-drawn masks.

    pip install torch
    python experiments/scene/train_scene.py PHOTOS --out scene.safetensors

PHOTOS: a folder with the photographs that the masks in tests/tools/executor/scene_masks are named
for. Only the tuned-on half is trained on, for about half an hour of one core. Torch, because there
the gradients of convolutions take half of XLA's time on a CPU. Writes the weights, and beside them
a .jsonl with the loss and the held-out IoU on the way; measure_scene.py measures the whole scene
estimate. The package's weights, agentic_styling/tools/executor/scene.safetensors, were trained with
features that rounded differently: this command gives weights as good as these, not the same bits.
"""

import argparse
import json
import time
from pathlib import Path

import jax
import numpy as np
import torch
import torch.nn.functional as F
from measure_scene import MASKS, UNSURE, halves
from network import Network, folded
from PIL import Image
from safetensors.numpy import save_file
from samples import Masked, Samples
from torch import nn
from tqdm import tqdm

from agentic_styling.cli.command import one_line_errors
from agentic_styling.tools.executor.scene_estimate import CELL, CELLS, features

_WEIGHTS = torch.tensor([0.3, 0.5, 0.3])  # of sky, ground and subject; ground is the hardest
_hints = jax.jit(jax.vmap(features))


def inputs(pixels: np.ndarray, aspects: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """What Network takes, of pixels [B, S, S, 3] and log aspects [B]."""
    hints = np.asarray(_hints(pixels.transpose(0, 3, 1, 2), aspects)).transpose(0, 3, 1, 2)
    cells = pixels.reshape(-1, CELLS, CELL, CELLS, CELL, 3).transpose(0, 2, 4, 5, 1, 3)
    cells = cells.reshape(-1, 3 * CELL**2, CELLS, CELLS)
    return torch.from_numpy(np.ascontiguousarray(cells)), torch.from_numpy(hints.copy())


def loss_of(logits, kinds, classes, true_kinds) -> torch.Tensor:
    """Cross entropy, IoU of the batch's sums (what is measured), and the two kinds."""
    sure = classes != UNSURE
    true = torch.where(sure, classes, 0)
    entropy = F.cross_entropy(logits, true, reduction="none", label_smoothing=0.05)
    found = logits.softmax(1) * sure[:, None]
    true = F.one_hot(true, 4).permute(0, 3, 1, 2).float() * sure[:, None]
    both, either = (x.sum((0, 2, 3)) for x in (found * true, found + true - found * true))
    apart = (1 - (both + 50) / (either + 50))[1:] @ _WEIGHTS
    known = true_kinds >= 0
    kind = F.binary_cross_entropy_with_logits(kinds, true_kinds.clamp(min=0), reduction="none")
    kind = (kind * known).sum() / known.sum()
    return (entropy * sure).sum() / sure.sum() + apart + 0.1 * kind


class Muon(torch.optim.Optimizer):
    """Momentum whose matrices are orthogonalised (Jordan 2024)."""

    def __init__(self, weights, lr):
        super().__init__(weights, {"lr": lr})

    @torch.no_grad()
    def step(self):
        """Changes the weights."""
        for group in self.param_groups:
            for p in group["params"]:
                mean = self.state[p].setdefault("mean", torch.zeros_like(p)).lerp_(p.grad, 0.05)
                u = p.grad.lerp(mean, 0.95).flatten(1)
                tall = len(u) > u.shape[1]
                u = u.T if tall else u
                u = u / (u.norm() + 1e-7)
                for _ in range(5):
                    q = u @ u.T
                    u = 3.4445 * u + (-4.7750 * q + 2.0315 * q @ q) @ u
                u = (u.T if tall else u).reshape(p.shape)
                rate, gain = group["lr"], max(1, len(p) ** 2 / p.numel()) ** 0.5
                p.mul_(1 - 0.05 * rate).add_(u, alpha=-rate * gain)


def train(pictures, held_out, args):
    """Writes the running mean of the weights, and the curve, again and again."""
    network, mean = Network(), Network().eval()
    mean.load_state_dict(network.state_dict())
    weights = dict(network.named_parameters())
    inner = [p for n, p in weights.items() if p.ndim > 1 and not n.startswith(("out", "head"))]
    outer = [weights[n] for n in ("out.weight", "head.weight")]
    flat = [p for p in weights.values() if p.ndim == 1]
    groups = [{"params": outer, "weight_decay": 0.05}, {"params": flat, "weight_decay": 0}]
    rates = {torch.optim.AdamW(groups): 3e-3, Muon(inner, 0.02): 0.02}
    samples, curve, started = Samples(pictures, args.seed), [], time.time()
    for i in tqdm(range(args.steps), mininterval=10):
        left = (args.steps - i) / max(args.steps - args.decay, 1)
        for optimizer, rate in rates.items():
            for group in optimizer.param_groups:
                group["lr"] = rate * min(1, (i + 1) / 100, left)
        pixels, classes, aspects, kinds = samples.batch()
        found = network(*inputs(pixels, aspects))
        loss = loss_of(*found, torch.from_numpy(classes), torch.from_numpy(kinds))
        network.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        for optimizer in rates:
            optimizer.step()
        _follow(mean, network, min(0.997, (1 + i) / (10 + i)))
        curve.append(loss.item())
        if i % 200 == 199 or i + 1 == args.steps:
            row = {"step": i + 1, "loss": np.mean(curve[-200:]), "held out": iou(mean, held_out)}
            with args.out.with_suffix(".jsonl").open("a") as file:
                file.write(json.dumps(row | {"seconds": round(time.time() - started)}) + "\n")
            save_file(folded(mean), args.out)


@torch.no_grad()
def _follow(mean, network, keep):
    for kept, now in zip(mean.state_dict().values(), network.state_dict().values(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(now, 1 - keep)


@torch.no_grad()
def iou(network: Network, pictures: list[Masked]) -> list[float]:
    """Pooled IoU of sky, ground and subject, at 64 x 64."""
    both, either = np.zeros(3), np.zeros(3)
    for picture in pictures:
        pixels = np.asarray(picture.photo.resize((CELL * CELLS,) * 2, Image.BILINEAR), np.float32)
        aspect = np.float32([np.log(picture.photo.width / picture.photo.height)])
        found = network(*inputs(pixels[None] / 255, aspect))[0][0].softmax(0)[1:].numpy() > 0.5
        true = np.asarray(picture.mask.resize((2 * CELLS, 2 * CELLS), Image.NEAREST))
        found &= true != UNSURE
        true = true == np.arange(1, 4)[:, None, None]
        both += (found & true).sum((1, 2))
        either += (found | true).sum((1, 2))
    return [round(float(x), 3) for x in both / either]


@one_line_errors
def main():
    """Trains and writes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--out", type=Path, default=Path("scene.safetensors"))
    parser.add_argument("--steps", type=int, default=2600, help="of 8 pictures")
    parser.add_argument("--decay", type=int, default=1700, help="step from which the rate falls")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)  # the same rounding each time
    kinds = json.loads((MASKS / "kinds.json").read_text())
    half = {k: [Masked(args.photos, n, kinds[n]) for n in v] for k, v in halves().items()}
    train(half["tuned on"], half["held out"], args)


if __name__ == "__main__":
    main()
