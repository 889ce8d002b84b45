"""What was measured, as Markdown."""

import numpy as np

from agentic_styling.evaluation.bootstrap import bootstrap_mean
from reward_validation.cases import COPIES, PUSHES, WRECKS

_BETTER = ("one forgotten", "a neighbouring option", "half the strength", "a needless step")
_RANKED, _FOOLED, _SPEARMAN, _POINTS = 0.95, 0.02, 0.7, 2.0


def report(results: dict) -> str:
    """The results as a page."""
    rewards = {name: np.array(both) for name, both in results["rewards"].items()}
    photos = np.array(results["photos"])
    parts = [
        f"{results['machine']}; {results['calibration']}. {results['cases']} cases of "
        f"{results['size']} x {results['size']} pixels from {results['photographs']}, "
        f"{len(np.unique(photos))} of them used. Means have 95 % intervals, bootstrapped over "
        "photographs; the held-out reward stands beside the training reward. A dimension is "
        "forgotten, and the order changed, only where two or more are asked for.\n",
        "## Ranking\n",
        _ranking(rewards),
        "## Hacks: how often one beats the intended plan\n",
        _hacks(rewards, photos),
        "## Invariance: the training reward in points of 100\n",
        _invariance(rewards),
        "## The same steps in another order\n",
        _orders(rewards),
        "## Other checks\n",
        _others(results),
        "## Every kind of edit\n",
        _means(rewards, photos),
    ]
    return "\n".join(parts)


def ranked_pairs() -> list[tuple[str, str]]:
    """Kinds of edits, the better one first."""
    pairs = [("intended", other) for other in _BETTER]
    pairs.append(("half, where half is asked", "double, where half is asked"))
    pairs += [(one, "random plan") for one in ("intended", *_BETTER)]
    pairs.append(("double, where half is asked", "random plan, where half is asked"))
    return pairs + [("random plan", wreck) for wreck in WRECKS]


def _ranking(rewards):
    rows = []
    for above, below in ranked_pairs():
        both = np.isfinite(rewards[above][0] + rewards[below][0])
        shares = (rewards[above] > rewards[below])[:, both].mean(1)
        rows.append([above, below, int(both.sum()), _share(shares[0]), _share(shares[1]),
                     _verdict(shares[0] >= _RANKED)])  # fmt: skip
    header = ["above", "below", "cases", "training reward", "held-out", f"bar {_share(_RANKED)}"]
    return _table(header, rows)


def _hacks(rewards, photos):
    names = [*PUSHES, "the first step five times", "the strongest of eight tools"]
    names += [name for name in rewards if name.endswith("at its strongest")]
    names += ["another photograph in that look", "ascent through the reward"]
    rows = []
    for name in names:
        shares = (rewards[name] > rewards["intended"]).mean(1)
        means = [_mean(row, photos) for row in rewards[name]]
        rows.append([name, *map(_share, shares), *means, _verdict(shares[0] <= _FOOLED)])
    header = ["hack", "beats it", "held-out", "mean reward", "held-out", f"bar {_share(_FOOLED)}"]
    return _table(header, rows)


def _invariance(rewards):
    rows = []
    for name in COPIES:
        off = 20 * np.abs(rewards[f"mixed, {name}"][0] - rewards["mixed"][0])
        rows.append([name, f"{off.mean():.2f}", f"{np.quantile(off, 0.95):.2f}",
                     _verdict(off.mean() <= _POINTS)])  # fmt: skip
    return _table(["copy", "mean", "95 % of cases below", f"bar {_POINTS:g}"], rows)


def _orders(rewards):
    """How far another order of the steps moves a reward in points of 100, and where it peaks."""
    other, half = rewards["in another order"], rewards["in another order at half the strength"]
    rows = []
    for i, name in enumerate(("training reward", "held-out")):
        known = np.isfinite(other[i])
        off = 20 * np.abs(other[i] - rewards["intended"][i])[known]
        peaks = (other[i] > half[i])[known].mean()
        rows.append([name, len(off), f"{off.mean():.2f}", f"{np.quantile(off, 0.95):.2f}",
                     _share(peaks)])  # fmt: skip
    header = ["reward", "cases", "mean difference", "95 % of cases below"]
    return _table([*header, "full strength above half"], rows)


def _others(results):
    means = results["corrupted"]
    falls = all(a > b for a, b in zip(means, means[1:], strict=False))
    taught = np.array(results["rewards"]["the scripted teacher"][0])
    return (
        f"Corrupting the plan step by step: {', '.join(f'{m:.2f}' for m in means)}; "
        f"{_verdict(falls)}.\n\nSpearman between training and held-out reward over mixed "
        f"trajectories: {results['spearman']:.2f}, bar {_SPEARMAN:g}: "
        f"{_verdict(results['spearman'] >= _SPEARMAN)}.\n\n{_share(np.mean(taught >= 4))} of the "
        "scripted teacher's trajectories score 4 or more (of the paper's, about 65 %).\n"
    )


def _means(rewards, photos):
    rows = [[name, *(_mean(row, photos) for row in both)] for name, both in rewards.items()]
    return _table(["edit", "training reward", "held-out"], rows)


def _mean(values, photos):
    known = np.isfinite(values)
    mean, low, high = bootstrap_mean(values[known], clusters=photos[known])
    return f"{mean:.2f} ({low:.2f} to {high:.2f})"


def _share(value):
    return f"{100 * value:.1f} %"


def _verdict(good):
    return "met" if good else "**missed**"


def _table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"
