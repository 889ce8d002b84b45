"""The report: one HTML file with everything inlined, made from an evaluated workdir."""

from importlib.resources import files
from pathlib import Path

from agentic_styling.evaluation.report import tables
from agentic_styling.evaluation.report.cases import case_card, tab_order
from agentic_styling.evaluation.report.figures import curve, histogram
from agentic_styling.evaluation.report.headline import best_example, headline
from agentic_styling.evaluation.report.labels import badge, labels, main_method, share
from agentic_styling.evaluation.report.markup import Markup, script_source, tag
from agentic_styling.evaluation.results import FEW
from agentic_styling.evaluation.runs import PICTURES
from agentic_styling.evaluation.saved_results import lacks, read_records, read_results
from agentic_styling.utils.atomic import write_text

# Curves worth a chart: metric, title.
CURVES = (
    ("loss", "Loss"),
    ("nll", "Completion loss, nats a token"),
    ("reward", "Mean reward of the batch"),
    ("rewards/margins", "Preference margin"),
    ("rewards/accuracies", "Preference accuracy"),
    ("validation_nll", "Validation: NLL of good plans, nats a token"),
    ("validation_reward", "Validation: mean reward of greedy plans"),
    ("validation_held_out_reward", "Validation: mean held-out reward of greedy plans"),
)

ACTIONS = (
    "An action is a tool with its option. Shares from 0 to 1; order is the rank correlation "
    "(Kendall’s tau, -1 to 1) of the priorities of the actions that plan and request share, over "
    "the cases where they share two or more."
)
JUDGED = (
    "A vision-language model, {}, looked at the {} cases below: at each edit beside its "
    "photograph and the request, and at each plan with its reasons. Scores from 0 to 100; an "
    "output that is not a valid plan scores 0."
)


def write_report(workdir: str | Path) -> Path:
    """Write report/index.html of an evaluated workdir.

    Args:
      workdir: holds results.json, cases.jsonl and cases/*.jpg, as `evaluate` writes them.

    Returns:
      The path of the page, which is one file with everything inlined.

    Raises:
      InputError: a file is missing or broken, or lacks a field.
    """
    workdir = Path(workdir)
    results, records = read_results(workdir), read_records(workdir)
    try:
        page = render(results, records, workdir / PICTURES)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise lacks(workdir, error) from error
    path = workdir / "report" / "index.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, page)
    return path


def render(results: dict, records: list[dict], pictures: Path) -> str:
    """The whole page as text; `pictures` is the directory of the saved frames."""
    script = _template("report.js")
    policy = (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; {script_source(script)}"
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", "Agentic styling: evaluation report"),
        tag("style", Markup(_template("report.css"))),
        tag("noscript", tag("style", Markup("[role=tabpanel][hidden]{display:block}"))),
    )
    main = tag("main", *_sections(results, records, pictures))
    hero = best_example(results, records, pictures)
    body = tag(
        "body", _header(results, hero), main, _footer(results), tag("script", Markup(script))
    )
    return "<!DOCTYPE html>\n" + tag("html", head, body, lang="en") + "\n"


def _header(results: dict, hero: Markup | None) -> Markup:
    links = [("methods", "Methods"), ("looking", "Looking"), ("cases", "Cases")]
    links += [("training", "Training"), ("measured", "How it was measured")]
    words = tag(
        "div",
        tag("p", "Agentic styling · evaluation report", class_="kicker"),
        tag("h1", "A planner that looks, then styles"),
        tag(
            "p",
            "A Qwen3-VL planner reads a photograph and a goal, states what it sees, and plans "
            "a few styling steps with a reason for each. The steps are executed, and the reward "
            f"is computed from the pixels of the result: {of_what(results)}, the same for every "
            "method.",
            class_="lead",
        ),
        tag("nav", *[tag("a", words, href=f"#{to}") for to, words in links], aria_label="Sections"),
    )
    return tag("header", words, hero, class_="top")


def _section(identity: str, title: str, words: str, *content: object) -> Markup:
    lead = tag("p", words, class_="words") if words else None
    return tag("section", tag("h2", title), lead, *content, id=identity)


def _sections(results: dict, records: list[dict], pictures: Path) -> list[Markup]:
    methods, paired = results["methods"], results["paired"]
    sections = [
        headline(results),
        _section(
            "methods",
            "Which method plans best",
            "Mean reward from 0 to 5 with its 95% bootstrap interval: filled, the reward used in "
            "training; hollow, the held-out reward, which is computed from other measurements. "
            "The dashed line is the reward of the teacher’s best plan. Context is the share of "
            "the picture’s known conditions that the planner read correctly.",
            tables.method_table(methods),
            tag("h3", "The six parts of the score, 0 to 100"),
            tables.parts_table(methods),
            tag("h3", "The plans’ actions against those asked for"),
            tag("p", ACTIONS, class_="words"),
            tables.actions_table(methods),
        ),
    ]
    if "judge" in results:
        words = JUDGED.format(results["judge"], sum(record["shown"] for record in records))
        judged = tables.judged_tables(methods)
        sections.append(_section("judged", "What a judge says", words, *judged))
    if paired:
        sections.append(
            _section(
                "paired",
                "Did post-training help?",
                "The reward minus that of S on the same cases (of S itself, minus that of Edit "
                "only), with the interval of the difference; below it, the same for the held-out "
                "reward. A gain counts only if both rewards rise, with both intervals above 0. "
                "Losses are shown like gains.",
                tables.paired_table(paired),
            )
        )
    if any(n["context_accuracy"] is not None and n["shuffled_images"] for n in methods.values()):
        sections.append(
            _section(
                "looking",
                "Does the planner look?",
                "Each planner answers twice: with the case’s own picture (filled) and with the "
                "picture of another case (hollow). Both plans are executed on the case’s own "
                "picture. A planner that ignored the picture would read the same both times. A "
                "text planner is given the picture’s known state in words, or another’s.",
                tables.looking_table(methods),
                tag("h3", "What it reads, dimension by dimension"),
                tag(
                    "p",
                    "Percentage read correctly where the condition is known; below it, in small "
                    "type, over all cases, where leaving a dimension unknown is mostly right.",
                    class_="words",
                ),
                tables.context_table(methods),
            )
        )
    if any(record["shown"] for record in records):
        sections.append(_cases(records, methods, pictures))
    sections.append(_training(results["training"]))
    return sections


def _cases(records: list[dict], methods: dict, pictures: Path) -> Markup:
    shown = [(row, record) for row, record in enumerate(records) if record["shown"]]
    first = main_method(methods)
    buttons = [
        tag(
            "button",
            badge(name),
            tag("span", labels(name)[1]),
            type="button",
            data_all=name,
            aria_pressed="true" if name == first else "false",
        )
        for name in tab_order(methods)
    ]
    return _section(
        "cases",
        "Plans at work",
        f"{len(shown)} of the {len(records)} cases, evenly spaced and not chosen by result. Pick "
        "whose plan to see, on one card or on all.",
        tag("div", *buttons, class_="all", role="group", aria_label="Method on all cards"),
        *[case_card(row, record, pictures, first) for row, record in shown],
    )


def _training(training: dict) -> Markup | None:
    rows = [_curves_of(metric, title, training["curves"]) for metric, title in CURVES]
    rewards = training["rewards"]
    if rewards:
        said = (
            f"{share(rewards['at_least_4'])} of {rewards['count']} plans score 4 or more, "
            f"{share(rewards['below_3'])} below 3"
        )
        drawn = histogram(rewards["counts"], rewards["edges"], label=f"Histogram: {said}")
        figure = tag("figure", drawn, tag("figcaption", said))
        rows.append([tag("h3", "Rewards of the training plans"), _charts([figure])])
    if not any(rows):
        return None
    return _section("training", "How they were trained", "", rows)


def _curves_of(metric: str, title: str, curves: dict) -> list[Markup]:
    """A heading and one small chart for each method that logged the metric."""
    charts = []
    for name, columns in curves.items():
        values = columns.get(metric, [])
        if len([value for value in values if value is not None]) < 2:
            continue
        spoken = labels(name)[1]
        drawn = curve(columns["step"], values, label=f"{spoken}, {title}")
        charts.append(tag("figure", tag("figcaption", badge(name), f" {spoken}"), drawn))
    return [tag("h3", title), _charts(charts)] if charts else []


def _charts(figures: list[Markup]) -> Markup:
    return tag("div", *figures, class_="charts", tabindex="0", role="group", aria_label="Charts")


def _footer(results: dict) -> Markup:
    settings, machine = results["settings"], results["machine"]
    return tag(
        "footer",
        tag("h2", "How it was measured", id="measured"),
        tag(
            "p",
            "An output that is not a valid plan leaves the picture unchanged and reads nothing; "
            f"it is included in every mean. {resampled(results)}, "
            f"{settings['bootstrap_samples']} draws, seed {settings['seed']}. "
            f"Planners decode at temperature {settings['temperature']:g}. "
            "Edit only reads no picture, and the teacher’s best is not given other pictures. "
            "The held-out reward compares named attributes of the picture, each in its unit; "
            "nothing is trained on it. All numbers are in results.json, all cases in cases.jsonl.",
        ),
        tag("p", " · ".join(f"{name} {value}" for name, value in machine.items()), class_="note"),
    )


def of_what(results: dict) -> str:
    """The number of cases and of the photographs that they show."""
    photographs = f"{results['photographs']} photograph" + "s" * (results["photographs"] != 1)
    return f"{results['cases']} held-out cases of {photographs}"


def resampled(results: dict) -> str:
    """What the intervals are over."""
    if results["photographs"] == 1:
        over = "cases, as all show one photograph: they say nothing of other photographs"
    else:
        over = f"the {results['photographs']} photographs, whose cases are drawn together"
        if results["photographs"] < FEW:
            over += "; so few make them too narrow"
    runs = [f"{labels(n)[1]} {m['seeds']}" for n, m in results["methods"].items() if m["seeds"] > 1]
    if runs:
        over += f", and over training runs where a method has several ({', '.join(runs)})"
    return f"Intervals are percentile bootstraps over {over}"


def _template(name: str) -> str:
    path = files("agentic_styling.evaluation.report") / "templates" / name
    return path.read_text(encoding="utf-8")
