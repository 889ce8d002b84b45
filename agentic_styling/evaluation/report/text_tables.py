"""Results as plain-text tables."""

from agentic_styling.evaluation.plan_metrics import ACTION_SCORES
from agentic_styling.evaluation.results import FEW


def results_table(results: dict) -> str:
    """Both rewards of every method with intervals, and their differences: S - E, and others - S."""
    rows = [("method", "reward, 0 to 5", "held-out reward", "minus", "both rewards")]
    paired = {pair.rpartition("_minus_")[0]: pair for pair in results["paired"]}
    for name, numbers in results["methods"].items():
        seeds, pair = numbers["seeds"], paired.get(name)
        rows.append(
            (
                name + (f" ({seeds} runs)" if seeds > 1 else ""),
                with_interval(numbers["reward"]),
                with_interval(numbers["held_out_reward"]),
                pair.rpartition("_minus_")[2] if pair else "",
                both_differences(results["paired"][pair]) if pair else "",
            )
        )
    photographs = results["photographs"]
    over = "cases of one photograph" if photographs == 1 else f"{photographs} photographs"
    over += ", too few for firm conclusions" if photographs < FEW else ""
    left_out = results["left_out"]
    without = f"; {left_out} test contexts without a request are left out" if left_out else ""
    return f"{aligned(rows)}\n{results['cases']} cases, 95% intervals over {over}{without}"


def plans_table(results: dict) -> str:
    """How the plans of every method match the requests: means over the cases."""
    rows = [("plans", "valid", "precision", "recall", "F1", "IoU", "priority correlation")]
    for name, numbers in results["methods"].items():
        means = [numbers["valid_plans"], *(numbers["actions"][score] for score in ACTION_SCORES)]
        rows.append((name, *("–" if mean is None else f"{mean:.2f}" for mean in means)))
    return aligned(rows)


def aligned(rows: list[tuple[str, ...]]) -> str:
    """Rows of equally many cells as lines with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def with_interval(value: dict, sign: str = "") -> str:
    """A mean and the ends of its interval, to two decimal places."""
    mean, low, high = (f"{value[name]:{sign}.2f}" for name in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"


def both_differences(paired: dict) -> str:
    """The differences of both rewards, and their verdict (see `joint_verdict`)."""
    both = [with_interval(each, "+") for each in (paired, paired["held_out_reward"])]
    return f"{' and '.join(both)}: {paired['both']}"
