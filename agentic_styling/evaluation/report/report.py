"""The report: one HTML file with everything inlined, made from an evaluated workdir."""

from pathlib import Path

from agentic_styling.evaluation.report import perception, tables
from agentic_styling.evaluation.report.cases import case_card, executed_steps, picture, tab_order
from agentic_styling.evaluation.report.figures import FRAGMENTS, curve, histogram
from agentic_styling.evaluation.report.labels import (
    WORDS,
    badge,
    kind,
    labels,
    main_method,
    number,
    share,
)
from agentic_styling.evaluation.report.markup import Markup, fill, read_template, script_source, tag
from agentic_styling.evaluation.results import FEW
from agentic_styling.evaluation.runs import PICTURES, frame_name, source_name
from agentic_styling.evaluation.saved_results import lacks, read_records, read_results
from agentic_styling.tools import MODIFIERS
from agentic_styling.utils.atomic import write_text

MINUS_S = "_minus_standard"


def write_report(workdir: str | Path) -> Path:
    """Writes report/index.html of a workdir of `evaluate`, and returns its path.

    The page is one file with everything inlined. Raises InputError if a file of the workdir is
    missing or broken, or lacks a field.
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
    main, script = _sections(results, records, pictures), read_template(__file__, "report.js")
    settings, photographs = results["settings"], results["photographs"]
    of_photographs = f"{photographs} photograph" + "s" * (photographs != 1)
    page = fill(
        FRAGMENTS["page"],
        script_source=script_source(script),
        style=Markup(read_template(__file__, "report.css")),
        script=Markup(script),
        hero=best_example(results, records, pictures),
        main=main,
        of_what=f"{results['cases']} held-out cases of {of_photographs}",
        resampled=resampled(results),
        draws=settings["bootstrap_samples"],
        seed=settings["seed"],
        temperature=f"{settings['temperature']:g}",
        machine=" · ".join(f"{name} {value}" for name, value in results["machine"].items()),
    )
    return page + "\n"


def _sections(results: dict, records: list[dict], pictures: Path) -> list[Markup | None]:
    methods, paired = results["methods"], results["paired"]
    parts = {
        "methods": tables.method_table(methods),
        "parts": tables.parts_table(methods),
        "actions": tables.actions_table(methods),
    }
    sections = [headline(results), fill(FRAGMENTS["methods"], **parts)]
    shown = [(row, record) for row, record in enumerate(records) if record["shown"]]
    if "judge" in results:
        edits, plans = tables.judged_tables(methods)
        parts = {"judge": results["judge"], "shown": len(shown), "edits": edits, "plans": plans}
        sections.append(fill(FRAGMENTS["judged"], **parts))
    if paired:
        sections.append(fill(FRAGMENTS["paired"], differences=tables.paired_table(paired)))
    if sampled := {n: m["at_temperature_1"] for n, m in methods.items() if "at_temperature_1" in m}:
        count = next(iter(sampled.values()))["samples"]  # a setting, the same of all methods
        parts = {"samples": count, "table": tables.sampled_table(sampled, paired)}
        sections.append(fill(FRAGMENTS["sampled"], **parts))
    if any(n["context_accuracy"] is not None and n["shuffled_images"] for n in methods.values()):
        parts = {
            "both": perception.looking_table(methods),
            "worth": perception.worth_table(methods),
            "dimensions": perception.context_table(methods),
            "confusions": perception.confusions(methods),
        }
        sections.append(fill(FRAGMENTS["looking"], **parts))
    if shown:
        first = main_method(methods)
        cards = [case_card(row, record, pictures, first) for row, record in shown]
        buttons = [_everywhere(name, first) for name in tab_order(methods)]
        parts = {"shown": len(shown), "all": len(records), "buttons": buttons, "cards": cards}
        sections.append(fill(FRAGMENTS["cases"], **parts))
    return [*sections, _training(results["training"])]


def _everywhere(name: str, first: str) -> Markup:
    """The button that opens a method's tab on all cards."""
    words = {"badge": badge(name), "spoken": labels(name)[1]}
    return fill(FRAGMENTS["everywhere"], name=name, chosen=str(name == first).lower(), **words)


def best_example(results: dict, records: list[dict], pictures: Path) -> Markup | None:
    """Before and after of one success, chosen by the rule that its caption states.

    Of the trained planner with the highest mean reward (of any method, if none was trained), the
    shown case with the highest reward among those whose plan edits the picture.
    """
    methods = results["methods"]
    trained = [name for name in methods if kind(name) == "trained"]
    best = max(trained or methods, key=lambda name: methods[name]["reward"]["mean"])
    rows = [row for row, record in enumerate(records) if record["shown"] and _edits(record, best)]
    if not rows:
        return None
    row = max(rows, key=lambda row: records[row]["methods"][best]["reward"])
    record, (letter, spoken, _) = records[row], labels(best)
    after = frame_name(row, best, len(executed_steps(record["methods"][best]["plan"])))
    return fill(
        FRAGMENTS["hero"],
        before=picture(pictures / source_name(row), "The source photograph"),
        after=picture(pictures / after, f"The same photograph, restyled: {record['goal']}"),
        goal=record["goal"],
        shown=sum(record["shown"] for record in records),
        reward=number(record["methods"][best]["reward"]),
        spoken=spoken,
        letter=letter,
        best="the trained planner" if trained else "the method",
        mean=number(methods[best]["reward"]["mean"]),
    )


def _edits(record: dict, method: str) -> bool:
    """Whether the method's plan is valid and holds a step that edits the picture."""
    plan = record["methods"][method]["plan"]
    return bool(plan) and any(s["tool"] not in MODIFIERS for s in executed_steps(plan))


def headline(results: dict) -> Markup:
    """Four numbers that say how it went."""
    methods = results["methods"]
    main = main_method(methods)
    numbers, (letter, spoken, _) = methods[main], labels(main)
    others = [
        f"{labels(name)[1].lower()} {number(methods[name]['reward']['mean'])}"
        for name in ("edit_only", "baseline", "teacher_best")
        if name in methods and name != main
    ]
    held_out = f"held-out reward of {letter} {number(numbers['held_out_reward']['mean'])}"
    tiles = [
        (
            number(numbers["reward"]["mean"]),
            f"mean reward out of 5: {spoken} ({letter})",
            "; ".join(filter(None, (", ".join(others), held_out))),
        ),
        (
            share(numbers["valid_plans"]),
            f"of {letter}’s outputs are valid plans",
            "the others leave the picture unchanged",
        ),
    ]
    if (known := numbers["context_accuracy_known"]) is not None:
        without = (numbers["shuffled_images"] or {}).get("context_accuracy_known")
        words = "of the picture’s known conditions are read correctly"
        shuffled = "" if without is None else f"{share(without)} when shown another picture"
        tiles.append((share(known), words, shuffled))
    gains = {name: pair for name, pair in results["paired"].items() if name.endswith(MINUS_S)}
    if gains:
        rose = [name for name, pair in gains.items() if pair["both"] == "both rose"]
        words = "post-trained planners are clearly better than S by both rewards"
        above = " and ".join(labels(name.removesuffix(MINUS_S))[0] for name in rose)
        tiles.append((f"{len(rose)} of {len(gains)}", words, above))
    shown = [
        fill(FRAGMENTS["tile"], big=big, words=words, small=small) for big, words, small in tiles
    ]
    return tag("dl", shown, class_="tiles")


def _training(training: dict) -> Markup | None:
    curves = training["curves"]
    rows = [_curves_of(metric, title, curves) for metric, title in WORDS["curves"].items()]
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
    return tag("section", tag("h2", "How they were trained"), rows, id="training")


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
