"""How the report names methods and writes numbers."""

from agentic_styling.evaluation.report.markup import Markup, tag
from agentic_styling.evaluation.results import WITHOUT_CONTEXT, ZERO_SHOT
from agentic_styling.utils.package_data import read_beside

WORDS: dict[str, dict] = read_beside(__file__, "words.json")


def labels(name: str) -> tuple[str, str, str]:
    """Letter, name and one-line description of a method; an unlisted method keeps its own name."""
    spoken = name.replace("_", " ")
    return tuple(WORDS["methods"].get(name, (spoken[:2].upper(), spoken, "")))


def kind(name: str) -> str:
    """CSS class of a method: "trained", "untrained" or "ceiling"."""
    if name == "teacher_best":
        return "ceiling"
    never = name in ("baseline", *WITHOUT_CONTEXT) or name.startswith(ZERO_SHOT)
    return "untrained" if never else "trained"


def badge(name: str) -> Markup:
    """The method's letter in its colour, with the full name for screen readers."""
    letter, spoken, _ = labels(name)
    return tag("abbr", letter, class_=f"badge {kind(name)}", title=spoken)


def main_method(methods: dict) -> str:
    """The method that the page features: S, or else the first trained planner, or else any."""
    trained = [name for name in methods if kind(name) == "trained"]
    return "standard" if "standard" in methods else [*trained, *methods][0]


def number(value: float | None, digits: int = 2, sign: bool = False) -> str:
    """A number with a true minus sign; a dash for None."""
    if value is None:
        return "–"
    return f"{value:{'+' if sign else ''}.{digits}f}".replace("-", "\u2212")


def share(value: float | None, unit: str = "%") -> str:
    """A share in [0, 1] as a percentage; a dash for None."""
    return "–" if value is None else f"{100 * value:.0f}{unit}"


def between(interval: dict, sign: bool = False) -> str:
    """The ends of an interval."""
    return f"{number(interval['low'], 2, sign)} to {number(interval['high'], 2, sign)}"
