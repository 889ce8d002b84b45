"""The figure of measure_search.py: rewards by how many plans are sampled and how one is chosen."""

from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402

STYLE = {"svg.hashsalt": "search", "svg.fonttype": "none", "font.size": 11}
LABELS = {
    "oracle": ("^", "highest reward (oracle)"),
    "mbr": ("o", "agrees best with the others"),
    "logp": ("s", "most probable"),
    "random": ("D", "at random"),
}


def draw(results: dict, path: Path) -> None:
    """Writes an SVG file of both rewards; `results` as measure_search.py has them."""
    rows = results["choices"]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
        for axis, name in zip(axes, ("reward", "held_out_reward"), strict=True):
            greedy = rows["greedy"][name]
            axis.axhline(greedy["mean"], color="black", linewidth=1, label="greedy plan")
            axis.axhspan(greedy["low"], greedy["high"], color="black", alpha=0.08, linewidth=0)
            for shift, (choice, (mark, label)) in zip((-3, -1, 1, 3), LABELS.items(), strict=True):
                sizes = np.array(list(rows[choice]), float)
                own = [rows[choice][size][name] for size in rows[choice]]
                means = [v["mean"] for v in own]
                ends = [[v["mean"] - v["low"] for v in own], [v["high"] - v["mean"] for v in own]]
                style = {"marker": mark, "markersize": 5, "capsize": 2, "label": label}
                # Apart on the logarithmic axis, so that intervals do not hide each other.
                axis.errorbar(sizes * 1.03**shift, means, yerr=np.maximum(ends, 0), **style)
            axis.set_xscale("log", base=2)
            axis.set_xticks(sizes, [f"{size:.0f}" for size in sizes])
            axis.set(xlabel="sampled plans", ylabel=name.replace("_", "-", 1).replace("_", " "))
        marks = axes[0].get_legend_handles_labels()
        figure.legend(*marks, loc="outside lower center", ncols=len(LABELS) + 1, fontsize=9)
        figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
