"""Small SVG charts, inlined in the report. Colours come from the page's style sheet."""

from collections.abc import Sequence

from agentic_styling.evaluation.report.markup import Markup, fill, read_fragments, tag

FRAGMENTS = read_fragments(__file__, "report.html")
LEFT, TOP, ACROSS, DOWN = 46, 10, 198, 116  # of the plot, in the chart of report.html


def interval_strip(
    interval: dict, ticks: Sequence[float], kind: str, *, label: str, mark: float | None = None
) -> Markup:
    """A mean as a dot on its interval, drawn between the first and the last of increasing ticks.

    kind: CSS classes of both. label: for screen readers. mark: a value to mark by a dashed line.
    """
    low, mean, high = (_position(interval[name], ticks) for name in ("low", "mean", "high"))
    dot = tag("circle", class_=f"dot {kind}", cx=mean, cy="50%", r="5")
    return _strip(ticks, mark, _level(f"range {kind}", low, high), dot, label=label)


def dumbbell(
    first: float, second: float, ticks: Sequence[float], *, label: str, mark: float | None = None
) -> Markup:
    """Two values on one line, the first filled, the second hollow; the rest as `interval_strip`."""
    x1, x2 = _position(first, ticks), _position(second, ticks)
    hollow = tag("circle", class_="dot hollow", cx=x2, cy="50%", r="5")
    filled = tag("circle", class_="dot", cx=x1, cy="50%", r="5")
    return _strip(ticks, mark, _level("way", x1, x2), hollow, filled, label=label)


def axis(ticks: Sequence[float], form: str = "{:g}") -> Markup:
    """The tick labels above a column of strips."""
    marks = []
    for tick in ticks:
        words = form.format(tick).replace("-", "\u2212")
        marks.append(tag("span", words, style=f"left:{_position(tick, ticks)}"))
    return tag("span", *marks, class_="axis", aria_hidden="true")


def _strip(ticks: Sequence[float], mark: float | None, *shapes: Markup, label: str) -> Markup:
    grid = [_upright("grid", _position(tick, ticks)) for tick in ticks]
    marked = None if mark is None else _upright("mark", _position(mark, ticks))
    return tag("svg", *grid, marked, *shapes, class_="strip", role="img", aria_label=label)


def _upright(style: str, x: str) -> Markup:
    return tag("line", class_=style, x1=x, x2=x, y1="0", y2="100%")


def _level(style: str, x1: str, x2: str) -> Markup:
    return tag("line", class_=style, x1=x1, x2=x2, y1="50%", y2="50%")


def _position(value: float, ticks: Sequence[float]) -> str:
    """Where a value lies between the first and the last tick, clipped, as a CSS percentage."""
    return f"{100 * min(max((value - ticks[0]) / (ticks[-1] - ticks[0]), 0.0), 1.0):.2f}%"


def _chart(low: float, high: float, first: str, last: str, label: str, *shapes: Markup) -> Markup:
    """A chart with axes: the ends of y at the left, the first and the last of x below."""
    y = {"low": f"{low:.3g}", "high": f"{high:.3g}"}
    return fill(FRAGMENTS["chart"], first=first, last=last, label=label, shapes=shapes, **y)


def curve(steps: Sequence[float], values: Sequence[float | None], *, label: str) -> Markup:
    """A training curve; points whose value is None are left out."""
    points = [(x, y) for x, y in zip(steps, values, strict=True) if y is not None]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    low, high = min(ys), max(ys)
    drawn = " ".join(
        f"{LEFT + ACROSS * (x - xs[0]) / ((xs[-1] - xs[0]) or 1):.1f},"
        f"{TOP + DOWN * (high - y) / ((high - low) or 1):.1f}"
        for x, y in points
    )
    ends = f"step {xs[0]:.0f}", f"{xs[-1]:.0f}"
    spoken = f"{label}: from {ys[0]:.3g} to {ys[-1]:.3g} over {xs[-1]:.0f} steps"
    return _chart(low, high, *ends, spoken, tag("polyline", class_="curve", points=drawn))


def histogram(counts: Sequence[int], edges: Sequence[float], *, label: str) -> Markup:
    """A histogram over bins of equal width."""
    most = max(counts) or 1
    wide = ACROSS / len(counts)
    bars = [
        tag(
            "rect",
            class_="bar",
            x=f"{LEFT + i * wide + 0.5:.1f}",
            y=f"{TOP + DOWN * (1 - count / most):.1f}",
            width=f"{wide - 1:.1f}",
            height=f"{DOWN * count / most:.1f}",
        )
        for i, count in enumerate(counts)
    ]
    return _chart(0, most, f"reward {edges[0]:g}", f"{edges[-1]:g}", label, *bars)
