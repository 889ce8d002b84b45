"""The report's cards: one held-out case each, with the plan and result of every method."""

import base64
from pathlib import Path

from agentic_styling.evaluation.plan_metrics import context_hits, is_known
from agentic_styling.evaluation.report.figures import FRAGMENTS
from agentic_styling.evaluation.report.labels import WORDS, badge, kind, labels, number
from agentic_styling.evaluation.report.markup import Markup, fill, tag
from agentic_styling.evaluation.results import WITHOUT_CONTEXT
from agentic_styling.evaluation.runs import frame_name, source_name
from agentic_styling.rewards import PARTS
from agentic_styling.tools import MODIFIERS, UNKNOWN, VOCABULARY, Plan

MAX_TEXT = 600


def plain(name: str) -> str:
    """A name of the vocabulary with spaces for underscores."""
    return name.replace("_", " ")


def tab_order(names) -> list[str]:
    """The methods in the order of the tabs: the ceiling first, the controls last."""
    return [name for name in dict.fromkeys([*WORDS["tabs"], *names]) if name in names]


def picture(path: Path, alt: str) -> Markup:
    """A picture inlined as a data URI, or a note if its file is missing."""
    if not path.is_file():
        return tag("span", f"{path.name} is missing", class_="missing")
    data = base64.b64encode(path.read_bytes()).decode()
    return tag("img", src=f"data:image/jpeg;base64,{data}", alt=alt, decoding="async")


def case_card(row: int, record: dict, pictures: Path, first: str) -> Markup:
    """Case `row`: photograph, goal, requested edits, and a tab for each method, `first` open.

    record: its line of cases.jsonl (see results.py). pictures: the directory of the saved frames.
    """
    names = tab_order(record["methods"])
    tabs = [
        fill(
            FRAGMENTS["tab"],
            row=row,
            name=name,
            chosen=str(name == first).lower(),
            index=0 if name == first else -1,
            badge=badge(name),
            reward=number(record["methods"][name]["reward"], 1),
        )
        for name in names
    ]
    wording = "explicit goal" if record["explicit"] else "implicit goal"
    state = record["state"]
    shows = ", ".join(plain(state[name]) for name in state if is_known(state, name))
    shows = shows or "no known condition"
    return fill(
        FRAGMENTS["case"],
        row=row,
        kicker=" · ".join(filter(None, (plain(record["theme"]), wording))),
        goal=record["goal"],
        source=picture(pictures / source_name(row), f"The source photograph: {shows}"),
        shows=shows,
        asked=[
            fill(
                FRAGMENTS["asked"],
                target=plain(_target(step)),
                what="kept" if step["tool"] in MODIFIERS else plain(step["tool"]),
                strength=_strength(step),
            )
            for step in record["request"]
        ],
        tabs=tabs,
        panels=[_panel(row, name, record, pictures, hidden=name != first) for name in names],
    )


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
    plan, reads = entry["plan"], name not in WITHOUT_CONTEXT
    if entry["valid"]:
        answer = [
            _context(plan["context"], record["state"]) if reads else None,
            _film(row, name, executed_steps(plan), pictures),
            tag("blockquote", plan["instruction"]) if plan["instruction"] and reads else None,
        ]
    else:
        written = entry["text"] or "(empty)"
        cut = written[:MAX_TEXT] + ("…" if len(written) > MAX_TEXT else "")
        answer = fill(FRAGMENTS["invalid"], output=cut)
    scores = [(plain(part), entry["scores"][part]) for part in PARTS]
    return fill(
        FRAGMENTS["panel"],
        row=row,
        name=name,
        kind=kind(name),
        hidden=Markup(" hidden" if hidden else ""),
        spoken=spoken,
        line=f". {line}." if line else ".",
        answer=answer,
        reward=number(entry["reward"]),
        held_out=number(entry["held_out_reward"]),
        bars=[
            fill(FRAGMENTS["bar"], part=part, share=f"{score / 100:.3f}", percent=number(score, 0))
            for part, score in scores
        ],
    )


def _context(context: dict, state: dict) -> Markup:
    """What the planner read in the picture, each dimension marked right or wrong."""
    chips = []
    for name, hit in context_hits(context, state).items():
        read, true = (plain(known.get(name, UNKNOWN)) for known in (context, state))
        if hit and true == UNKNOWN:
            continue
        instead = f" instead of {true}" if true != UNKNOWN else " (no known value)"
        words = read if hit else f"missed {true}" if read == UNKNOWN else read + instead
        verdict = {"verdict": "right", "sign": "✓"} if hit else {"verdict": "wrong", "sign": "✗"}
        chips.append(fill(FRAGMENTS["chip"], name=plain(name), words=words, **verdict))
    return fill(FRAGMENTS["read"], chips=chips or tag("li", "nothing", class_="chip"))


def _film(row: int, name: str, steps: list[dict], pictures: Path) -> Markup:
    """A frame with its reason for each edit; modifiers, such as regions to keep, below in words."""
    if not steps:
        return tag("p", "The plan has no steps: the picture is unchanged.", class_="kept")
    edits = [i for i, step in enumerate(steps, start=1) if step["tool"] not in MODIFIERS]
    frames = []
    for place, i in enumerate(edits, start=1):
        step, last = steps[i - 1], i == edits[-1]
        tool, target = plain(step["tool"]), plain(_target(step))
        # Modifiers act from the first step on, so the frame of the last edit is the result.
        alt = f"After step {place}, {tool}: {target}"
        frames.append(
            fill(
                FRAGMENTS["frame"],
                marked=Markup(' class="result"' if last else ""),
                picture=picture(pictures / frame_name(row, name, i), alt),
                place="Result" if last else place,
                target=target,
                strength=_strength(step),
                reason=step["reasoning"] or tool,
            )
        )
    kept = []
    for step in (step for step in steps if step["tool"] in MODIFIERS):
        keeps = step["tool"] == "exclude_region" or step["tool"].startswith("preserve")
        words = f"{'Kept' if keeps else plain(step['tool']).capitalize()}: {plain(_target(step))}. "
        kept.append(tag("p", tag("b", words), step["reasoning"], class_="kept"))
    return tag("div", fill(FRAGMENTS["film"], frames=frames) if frames else None, kept)
