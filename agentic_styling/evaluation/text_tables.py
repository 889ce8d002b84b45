"""Results as plain-text tables."""


def results_table(results: dict) -> str:
    """Both rewards of every method with intervals, and their differences from S (Standard)."""
    rows = [("method", "reward, 0 to 5", "held-out reward", "against standard")]
    for name, numbers in results["methods"].items():
        paired = results["paired"].get(f"{name}_minus_standard")
        rows.append(
            (
                name,
                with_interval(numbers["reward"]),
                with_interval(numbers["held_out_reward"]),
                against_standard(paired) if paired else "",
            )
        )
    return f"{aligned(rows)}\n{results['cases']} cases, 95% intervals"


def aligned(rows: list[tuple[str, ...]]) -> str:
    """Rows of equally many cells as lines with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def with_interval(value: dict, sign: str = "") -> str:
    """A mean and the ends of its interval, to two decimal places."""
    mean, low, high = (f"{value[name]:{sign}.2f}" for name in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"


def against_standard(paired: dict) -> str:
    """The differences of both rewards from S, and their verdict (see `joint_verdict`)."""
    both = [with_interval(each, "+") for each in (paired, paired["held_out_reward"])]
    return f"{' and '.join(both)}: {paired['both']}"
