"""The report: one HTML file with everything inlined, built from a workdir's results."""

import base64
import hashlib
from importlib.resources import files
from pathlib import Path

from agentic_styling.evaluation.report import tables as tables
from agentic_styling.evaluation.report.cases import case_card, first_film, tab_order
from agentic_styling.evaluation.report.figures import curve, histogram
from agentic_styling.evaluation.report.markup import Markup, tag
from agentic_styling.evaluation.report.perception import context_table, looking_table
from agentic_styling.evaluation.saved_results import lacks, read_records, read_results

# Curves worth a chart: metric, title.
CURVES = (
    ("loss", "Loss"),
    ("nll", "Completion loss, nats a token"),
    ("reward", "Mean reward of the batch"),
    ("rewards/margins", "Preference margin"),
    ("rewards/accuracies", "Preference accuracy"),
)

WITHOUT_HELD_OUT = (
    "This run is older than the held-out reward, which is left out; evaluate it again to have it."
)


def write_report(workdir: str | Path) -> Path:
    """Write report/index.html from results.json, cases.jsonl and cases/*.jpg; returns its path.

    Raises InputError when a file is missing or broken, naming it and the mend.
    """
    workdir = Path(workdir)
    results, records = read_results(workdir), read_records(workdir)
    try:
        page = render(results, records, workdir / "cases")
    except KeyError as error:
        raise lacks(workdir, error) from error
    path = workdir / "report" / "index.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    return path


def render(results: dict, records: list[dict], pictures: Path) -> str:
    """The whole page as text; `pictures` is the directory of the saved frames."""
    script = _template("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # Even if a text got past the escaping, nothing but this one script may run or load.
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'"
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
    hero = first_film(records, tables.main_method(results["methods"]), pictures)
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
            "A Qwen3-VL planner reads a photograph and a goal, says what it sees, and plans "
            "a few styling steps with a reason for each. The steps run on the pixels, and the "
            f"result is scored from the pixels: {results['cases']} held-out cases, the same for "
            "every method.",
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
        tables.headline(results),
        _section(
            "methods",
            "Which method plans best",
            "Mean reward, from 0 to 5, with the interval that 95 % of the bootstrap draws fall in: "
            "filled the reward that is trained on, hollow the held-out one, of other measurements. "
            "The dashed line is the reward of the teacher’s best. Context is the share read right "
            "of what the picture was really set to.",
            tables.method_table(methods),
            tag("h3", "The six parts of the score, 0 to 100"),
            tables.parts_table(methods),
        ),
    ]
    if paired:
        sections.append(
            _section(
                "paired",
                "After S: did post-training help?",
                "Reward minus that of S, case by case, with the interval of that difference; below "
                "it the same of the held-out reward. A gain counts when both rise, their intervals "
                "above 0. What came out below S is shown like what came out above.",
                tables.paired_table(paired),
            )
        )
    if any(n["context_accuracy"] is not None and n["shuffled_images"] for n in methods.values()):
        sections.append(
            _section(
                "looking",
                "Does the planner look?",
                "Each planner answers twice: with its own picture (filled) and with the picture of "
                "another case (hollow). The plan always runs on the case’s own picture. A planner "
                "that ignores the picture would read the same both times.",
                looking_table(methods),
                tag("h3", "What it reads, dimension by dimension"),
                tag(
                    "p",
                    "Per cent read right where the picture was set to something; below it, small, "
                    "over all cases, where leaving a dimension unknown is mostly right.",
                    class_="words",
                ),
                context_table(methods),
            )
        )
    if any(record["shown"] for record in records):
        sections.append(_cases(records, methods, pictures))
    sections.append(_training(results["training"]))
    return sections


def _cases(records: list[dict], methods: dict, pictures: Path) -> Markup:
    shown = [(row, record) for row, record in enumerate(records) if record["shown"]]
    first = tables.main_method(methods)
    buttons = [
        tag(
            "button",
            tables.badge(name),
            tag("span", tables.labels(name)[1]),
            type="button",
            data_all=name,
            aria_pressed="true" if name == first else "false",
        )
        for name in tab_order(methods)
    ]
    return _section(
        "cases",
        "Plans at work",
        f"{len(shown)} of the {len(records)} cases, taken at even distances, not by how they came "
        "out. Choose whose plan to see, on one card or on all.",
        tag("div", *buttons, class_="all", role="group", aria_label="Method on all cards"),
        *[case_card(row, record, pictures, first) for row, record in shown],
    )


def _training(training: dict) -> Markup | None:
    rows = [_curves_of(metric, title, training["curves"]) for metric, title in CURVES]
    rewards = training["rewards"]
    if rewards:
        said = (
            f"{tables.share(rewards['at_least_4'])} of {rewards['count']} plans score 4 or more, "
            f"{tables.share(rewards['below_3'])} below 3"
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
        spoken = tables.labels(name)[1]
        drawn = curve(columns["step"], values, label=f"{spoken}, {title}")
        charts.append(tag("figure", tag("figcaption", tables.badge(name), f" {spoken}"), drawn))
    return [tag("h3", title), _charts(charts)] if charts else []


def _charts(figures: list[Markup]) -> Markup:
    return tag("div", *figures, class_="charts", tabindex="0", role="group", aria_label="Charts")


def _footer(results: dict) -> Markup:
    settings, machine = results["settings"], results["machine"]
    measured = all("held_out_reward" in numbers for numbers in results["methods"].values())
    return tag(
        "footer",
        tag("h2", "How it was measured", id="measured"),
        tag(
            "p",
            "A text that is no valid plan changes nothing and reads nothing; it stays in every "
            "mean. Intervals are percentile bootstraps over cases, "
            f"{settings['bootstrap_samples']} draws, seed {settings['seed']}. "
            f"Planners sample at temperature {settings['temperature']:g}. "
            "Edit only reads no picture; the teacher’s best is not shown other pictures. "
            "The held-out reward compares what a person could name, in units; nothing is trained "
            "on it. Every number stands in results.json, every case in cases.jsonl.",
        ),
        None if measured else tag("p", WITHOUT_HELD_OUT),
        tag("p", " · ".join(f"{name} {value}" for name, value in machine.items()), class_="note"),
    )


def _template(name: str) -> str:
    path = files("agentic_styling.evaluation.report") / "templates" / name
    return path.read_text(encoding="utf-8")
