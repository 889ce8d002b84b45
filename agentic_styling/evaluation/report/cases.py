"""The report's cards: one held-out case each, with every method's plan at work on it."""

import base64
from pathlib import Path

from agentic_styling.evaluation.plan_metrics import context_hits, is_known
from agentic_styling.evaluation.report.markup import Markup, tag
from agentic_styling.evaluation.report.tables import badge, kind, labels, number
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
    """An option or dimension name in natural words."""
    return name.replace("_", " ")


def tab_order(names) -> list[str]:
    """The methods as the tabs show them: the ceiling first, the controls last."""
    return [name for name in dict.fromkeys([*TAB_ORDER, *names]) if name in names]


def picture(path: Path, alt: str) -> Markup:
    """A picture inlined as a data URI, or words in its place when its file is gone."""
    if not path.is_file():
        return tag("span", f"{path.name} is missing", class_="missing")
    data = base64.b64encode(path.read_bytes()).decode()
    return tag("img", src=f"data:image/jpeg;base64,{data}", alt=alt, decoding="async")


def case_card(row: int, record: dict, pictures: Path, first: str) -> Markup:
    """One case: photograph, goal, what was asked, and a tab per method; `first` is open."""
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
    manner = "asked in plain words" if record["explicit"] else "asked in a mood"
    kicker = " · ".join(filter(None, (plain(record["theme"]), manner)))
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


def first_film(records: list[dict], method: str, pictures: Path) -> Markup | None:
    """Before and after of the first shown case in which the method changes the picture."""
    for row, record in enumerate(records):
        plan = record["methods"][method]["plan"]
        steps = _steps(plan) if plan else []
        if not record["shown"] or all(step["tool"] in MODIFIERS for step in steps):
            continue
        last = pictures / frame_name(row, method, len(steps))
        return tag(
            "figure",
            tag(
                "div",
                picture(pictures / source_name(row), "A photograph as given"),
                picture(last, f"The same photograph, restyled: {record['goal']}"),
            ),
            tag("figcaption", f"“{record['goal']}”"),
            class_="hero",
        )
    return None


def _given(row: int, record: dict, pictures: Path) -> list[Markup]:
    state = {
        name: value for name, value in record["state"].items() if is_known(record["state"], name)
    }
    shows = ", ".join(map(plain, state.values())) or "nothing that was set"
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
            picture(pictures / source_name(row), f"The photograph as given: {shows}"),
            tag("figcaption", "The photograph as given. It shows ", tag("b", shows), "."),
        ),
        tag("p", "What the goal asks for", class_="kicker"),
        tag("ul", *asked, class_="asked"),
    ]


def _steps(plan: dict) -> list[dict]:
    """The steps behind the frames: those of the plan as they run."""
    return [vars(step) for step in Plan.from_json(plan).resolved_steps]


def _target(step: dict) -> str:
    return str(step["parameters"].get(VOCABULARY[step["tool"]].target, ""))


def _constrains(step: dict) -> str:
    kept = step["tool"] == "exclude_region" or step["tool"].startswith("preserve")
    return "Kept" if kept else plain(step["tool"]).capitalize()


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
        content.append(_film(row, name, _steps(plan), pictures))
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
        tag("p", "This text is no valid plan, so the picture stays as it is. It wrote:"),
        tag("pre", cut or "(nothing)"),
        class_="invalid",
    )


def _context(context: dict, state: dict) -> Markup:
    """What the planner read, chip by chip, against the truth."""
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
            instead = f", is {plain(true)}" if true != "unknown" else ", is not set"
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
    """One frame a step with the reason under it; what must stay stands below in words."""
    if not steps:
        return tag("p", "No step: the picture stays as it is.", class_="kept")
    edits = [i for i, step in enumerate(steps, start=1) if step["tool"] not in MODIFIERS]
    frames = []
    for place, i in enumerate(edits, start=1):
        step, last = steps[i - 1], i == edits[-1]
        words = f"{plain(step['tool'])}: {plain(_target(step))}"
        # A kept region holds from the first step on, so the last frame is already the result.
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
    kept = [
        tag(
            "p",
            tag("b", f"{_constrains(step)}: {plain(_target(step))}. "),
            step["reasoning"],
            class_="kept",
        )
        for step in steps
        if step["tool"] in MODIFIERS
    ]
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
    held_out = entry.get("held_out_reward")
    reward = tag(
        "p",
        tag("b", number(entry["reward"])),
        " reward, out of 5",
        None if held_out is None else tag("span", f"{number(held_out)} held-out"),
        class_="reward",
    )
    return tag("div", reward, tag("ul", *bars), class_="scores")
