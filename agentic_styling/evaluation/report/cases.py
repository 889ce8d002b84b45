"""The report's cards: one held-out case each, with the plan and result of every method."""

import base64
from pathlib import Path

from agentic_styling.evaluation.plan_metrics import context_hits, is_known
from agentic_styling.evaluation.report.labels import badge, kind, labels, number
from agentic_styling.evaluation.report.markup import Markup, tag
from agentic_styling.evaluation.results import WITHOUT_CONTEXT
from agentic_styling.evaluation.runs import frame_name, source_name
from agentic_styling.rewards import PARTS
from agentic_styling.tools import MODIFIERS, VOCABULARY, Plan

TAB_ORDER = (
    "teacher_best",
    "standard",
    "reward_filtered",
    "reward_weighted",
    "standardized_reward_weighted",
    "dpo",
    "baseline",
    "edit_only",
)
MAX_TEXT = 600


def plain(name: str) -> str:
    """A name of the vocabulary with spaces for underscores."""
    return name.replace("_", " ")


def tab_order(names) -> list[str]:
    """The methods in the order of the tabs: the ceiling first, the controls last."""
    return [name for name in dict.fromkeys([*TAB_ORDER, *names]) if name in names]


def picture(path: Path, alt: str) -> Markup:
    """A picture inlined as a data URI, or a note if its file is missing."""
    if not path.is_file():
        return tag("span", f"{path.name} is missing", class_="missing")
    data = base64.b64encode(path.read_bytes()).decode()
    return tag("img", src=f"data:image/jpeg;base64,{data}", alt=alt, decoding="async")


def case_card(row: int, record: dict, pictures: Path, first: str) -> Markup:
    """One case: the photograph, the goal, the requested edits, and a tab for each method.

    Args:
      row: the number of the case.
      record: its line of cases.jsonl (see results.py).
      pictures: the directory of the saved frames.
      first: the method whose tab is open.
    """
    names = tab_order(record["methods"])
    tabs = [
        tag(
            "button",
            badge(name),
            tag("span", number(record["methods"][name]["reward"], 1)),
            type="button",
            role="tab",
            id=f"tab-{row}-{name}",
            aria_controls=f"panel-{row}-{name}",
            aria_selected="true" if name == first else "false",
            tabindex="0" if name == first else "-1",
            data_method=name,
        )
        for name in names
    ]
    panels = [_panel(row, name, record, pictures, hidden=name != first) for name in names]
    wording = "explicit goal" if record["explicit"] else "implicit goal"
    kicker = " · ".join(filter(None, (plain(record["theme"]), wording)))
    return tag(
        "article",
        tag(
            "header",
            tag("p", kicker, class_="kicker"),
            tag("h3", f"“{record['goal']}”", class_="goal", id=f"case-{row}"),
        ),
        tag(
            "div",
            tag("div", _given(row, record, pictures), class_="given"),
            tag(
                "div",
                tag("div", *tabs, class_="tabs", role="tablist", aria_label="Method"),
                *panels,
                class_="answers",
            ),
            class_="columns",
        ),
        class_="case",
        aria_labelledby=f"case-{row}",
    )


def _given(row: int, record: dict, pictures: Path) -> list[Markup]:
    state = {
        name: value for name, value in record["state"].items() if is_known(record["state"], name)
    }
    shows = ", ".join(map(plain, state.values())) or "no known condition"
    asked = [
        tag(
            "li",
            tag("b", plain(_target(step))),
            f" {plain(step['tool'])}" if step["tool"] not in MODIFIERS else " kept",
            tag("small", _strength(step)),
        )
        for step in record["request"]
    ]
    return [
        tag(
            "figure",
            picture(pictures / source_name(row), f"The source photograph: {shows}"),
            tag("figcaption", "The source photograph. It shows ", tag("b", shows), "."),
        ),
        tag("p", "What the goal asks for", class_="kicker"),
        tag("ul", *asked, class_="asked"),
    ]


def executed_steps(plan: dict) -> list[dict]:
    """The steps of a recorded plan as they are executed; the saved frames count these."""
    return [vars(step) for step in Plan.from_json(plan).resolved_steps]


def _target(step: dict) -> str:
    return str(step["parameters"].get(VOCABULARY[step["tool"]].target, ""))


def _strength(step: dict) -> str:
    value = step["parameters"].get("strength")
    return f" at {value:.0%}" if isinstance(value, int | float) and value < 1 else ""


def _panel(row: int, name: str, record: dict, pictures: Path, hidden: bool) -> Markup:
    entry, (_, spoken, line) = record["methods"][name], labels(name)
    content = [tag("p", tag("b", spoken), f". {line}." if line else ".", class_="who")]
    if not entry["valid"]:
        content.append(_invalid(entry["text"] or ""))
    else:
        plan = entry["plan"]
        if name not in WITHOUT_CONTEXT:
            content.append(_context(plan["context"], record["state"]))
        content.append(_film(row, name, executed_steps(plan), pictures))
        if plan["instruction"] and name not in WITHOUT_CONTEXT:
            content.append(tag("blockquote", plan["instruction"]))
    return tag(
        "section",
        *content,
        _scores(entry),
        role="tabpanel",
        id=f"panel-{row}-{name}",
        aria_labelledby=f"tab-{row}-{name}",
        class_=kind(name),
        hidden=hidden,
    )


def _invalid(written: str) -> Markup:
    cut = written[:MAX_TEXT] + ("…" if len(written) > MAX_TEXT else "")
    return tag(
        "div",
        tag("p", "The output is not a valid plan, so the picture is unchanged. The output was:"),
        tag("pre", cut or "(empty)"),
        class_="invalid",
    )


def _context(context: dict, state: dict) -> Markup:
    """What the planner read in the picture, each dimension marked right or wrong."""
    chips = []
    for name, hit in context_hits(context, state).items():
        read, true = context.get(name, "unknown"), state.get(name, "unknown")
        if hit and true == "unknown":
            continue
        if hit:
            chips.append(_chip("right", "✓", plain(name), plain(read)))
        elif read == "unknown":
            chips.append(_chip("wrong", "✗", plain(name), f"missed {plain(true)}"))
        else:
            instead = f" instead of {plain(true)}" if true != "unknown" else " (no known value)"
            chips.append(_chip("wrong", "✗", plain(name), plain(read) + instead))
    return tag(
        "div",
        tag("p", "What it read in the picture", class_="kicker"),
        tag("ul", *(chips or [tag("li", "nothing", class_="chip")]), class_="chips"),
    )


def _chip(colour: str, sign: str, name: str, words: str) -> Markup:
    spoken = "right: " if colour == "right" else "wrong: "
    return tag(
        "li",
        tag("span", sign, aria_hidden="true"),
        tag("span", spoken, class_="spoken"),
        tag("small", name),
        " ",
        words,
        class_=f"chip {colour}",
    )


def _film(row: int, name: str, steps: list[dict], pictures: Path) -> Markup:
    """A frame with its reason for each edit; modifiers, such as regions to keep, below in words."""
    if not steps:
        return tag("p", "The plan has no steps: the picture is unchanged.", class_="kept")
    edits = [i for i, step in enumerate(steps, start=1) if step["tool"] not in MODIFIERS]
    frames = []
    for place, i in enumerate(edits, start=1):
        step, last = steps[i - 1], i == edits[-1]
        words = f"{plain(step['tool'])}: {plain(_target(step))}"
        # Modifiers act from the first step on, so the frame of the last edit is the result.
        shot = picture(pictures / frame_name(row, name, i), f"After step {place}, {words}")
        frames.append(
            tag(
                "li",
                tag("div", shot, tag("span", "Result" if last else place, class_="place")),
                tag("p", tag("b", plain(_target(step))), tag("small", _strength(step))),
                tag("p", step["reasoning"] or plain(step["tool"]), class_="reason"),
                class_="result" if last else None,
            )
        )
    kept = []
    for step in (step for step in steps if step["tool"] in MODIFIERS):
        keeps = step["tool"] == "exclude_region" or step["tool"].startswith("preserve")
        words = f"{'Kept' if keeps else plain(step['tool']).capitalize()}: {plain(_target(step))}. "
        kept.append(tag("p", tag("b", words), step["reasoning"], class_="kept"))
    film = tag("ol", *frames, class_="film", tabindex="0", aria_label="Film strip")
    return tag("div", film if frames else None, *kept)


def _scores(entry: dict) -> Markup:
    bars = [
        tag(
            "li",
            tag("span", plain(part)),
            tag("i", style=f"--v:{entry['scores'][part] / 100:.3f}", aria_hidden="true"),
            tag("b", number(entry["scores"][part], 0)),
        )
        for part in PARTS
    ]
    reward = tag(
        "p",
        tag("b", number(entry["reward"])),
        " reward, out of 5",
        tag("span", f"{number(entry['held_out_reward'])} held-out"),
        class_="reward",
    )
    return tag("div", reward, tag("ul", *bars), class_="scores")
