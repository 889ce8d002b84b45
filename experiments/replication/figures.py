"""The figures of the testbed: gains over S of a cell's methods, and the phase diagram."""

from collections.abc import Iterator
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402

from replication.differences import Rows  # noqa: E402
from replication.rows import S  # noqa: E402

STYLE = {"svg.hashsalt": "replication", "svg.fonttype": "none", "font.size": 11}
MARKS = {  # temperature and reward -> marker and name
    (0, "reward"): ("o", "reward, greedy"),
    (0, "held_out_reward"): ("D", "held-out reward, greedy"),
    (1, "reward"): ("s", "reward, at temperature 1"),
    (1, "held_out_reward"): ("^", "held-out reward, at temperature 1"),
}


def draw_gains(rows: Rows, folder: Path) -> Iterator[Path]:
    """For each cell and table, both rewards of every trained method minus S."""
    for cell in rows.cells():
        for table in rows.tables(cell):
            names = [f"{m}:{c}" if c else m for m, c in rows.methods(cell, table) if m != S]
            gains = {
                name: {
                    kind: rows.difference(f"{cell}/{name} - {cell}/{S}", kind[1], kind[0], table)
                    for kind in MARKS
                }
                for name in names
            }
            gains = {name: own for name, own in gains.items() if own[1, "reward"]}
            if gains:
                yield _save(
                    _gains(gains, f"{cell}: {rows.about(cell, table)}"), folder, cell, table
                )


def draw_phases(rows: Rows, folder: Path) -> Iterator[Path]:
    """The greedy gain of each method over S by the strength of the habits and plans a context."""
    cells = {}
    for row in rows.rows:
        if row["cell"].startswith("h"):
            behaviour = row["behaviour"]
            cells[row["cell"]] = behaviour["habit_strength"], behaviour["plans_per_context"]
    methods = sorted(
        {m for cell in cells for m, _ in rows.methods(cell, "equal")} & {"RW", "swift", "D"}
    )
    if not methods:
        return
    strengths, plans = (sorted({place[axis] for place in cells.values()}) for axis in (0, 1))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            1, len(methods), figsize=(4 * len(methods), 3.6), squeeze=False, layout="constrained"
        )
        for axis, method in zip(axes[0], methods, strict=True):
            table = np.full((len(strengths), len(plans)), np.nan)
            for cell, (strength, count) in cells.items():
                gain = rows.difference(f"{cell}/{method} - {cell}/{S}", "reward", 0, "equal")
                if gain:
                    place = strengths.index(strength), plans.index(count)
                    table[place] = gain.mean
                    clear = "*" if gain.low > 0 or gain.high < 0 else ""
                    style = {"ha": "center", "color": "white" if abs(gain.mean) > 0.6 else "black"}
                    axis.text(*place[::-1], f"{gain.mean:+.2f}{clear}", va="center", **style)
            image = axis.imshow(table, cmap="RdBu", vmin=-1, vmax=1, aspect="auto", origin="lower")
            axis.set_xticks(range(len(plans)), plans)
            axis.set_yticks(range(len(strengths)), strengths)
            axis.set(title=f"{method} minus S", xlabel="plans per context")
        axes[0, 0].set_ylabel("habit strength")
        figure.colorbar(image, ax=axes[0, -1], label="gain, greedy reward (*: not 0)")
    yield _save(figure, folder, "phase", "equal")


def _gains(gains: dict[str, dict], title: str) -> plt.Figure:
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(7, 1.4 + 0.55 * len(gains)), layout="constrained")
        for shift, (kind, (mark, label)) in zip(
            (0.24, 0.08, -0.08, -0.24), MARKS.items(), strict=True
        ):
            own = [(i, gain[kind]) for i, gain in enumerate(gains.values()) if gain[kind]]
            heights, means = [i + shift for i, _ in own], [gain.mean for _, gain in own]
            ends = [[g.mean - g.low for _, g in own], [g.high - g.mean for _, g in own]]
            style = {"fmt": mark, "markersize": 4, "capsize": 2, "label": label}
            axis.errorbar(means, heights, xerr=np.maximum(ends, 0), **style)
        axis.axvline(0, color="black", linewidth=0.8)
        axis.set_yticks(range(len(gains)), list(gains))
        axis.invert_yaxis()
        axis.set(xlabel="minus S, 95 % interval")
        figure.suptitle(title, fontsize=10)
        figure.legend(fontsize=8, loc="outside lower center", ncols=2)
    return figure


def _save(figure: plt.Figure, folder: Path, *names: str) -> Path:
    """Writes a figure; the same rows give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / ("replication-" + "-".join(names) + ".svg")
    with plt.rc_context(STYLE):
        figure.savefig(target, metadata={"Date": None})
    plt.close(figure)
    return target
