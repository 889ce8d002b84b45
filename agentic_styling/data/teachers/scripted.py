"""A scripted teacher of varying skill, which writes whole plans."""

import numpy as np

from agentic_styling.data.goals.goals import COMPOSED, Goal, keeps
from agentic_styling.data.goals.words import noun
from agentic_styling.data.photos.states import ORDER, make_step, source_of
from agentic_styling.tools import DIMENSIONS, MODIFIERS, UNKNOWN, VOCABULARY, Plan, Step
from agentic_styling.utils.package_data import read_beside

MAX_TEACHER_STEPS = 5
# Chance of each mistake at skill 0; it is scaled by (1 - skill) ** 2.
FORGETS, MISTAKES_OPTION, MISTAKES_STRENGTH = 0.6, 0.6, 0.9
MISREADS_SOURCE, ADDS_STEP, FORGETS_CONSTRAINT = 0.5, 0.7, 0.8

_WORDS: dict[str, dict] = read_beside(__file__, "scripted.json")
# faults: why a state does not suit a goal, as in "... is {fault} for a fairy tale".
FAULTS, KINDS, CLAUSES = _WORDS["faults"], _WORDS["kinds"], _WORDS["clauses"]
NOTHING = "Change nothing: what was asked for is there already, or no tool can do it."
ADVERBS = {0.25: "barely", 0.5: "gently", 0.75: "", 1.0: "fully"}


def teach(goal: Goal, state: dict[str, str], skill: float, rng: np.random.Generator) -> Plan:
    """A plan for `goal` on a picture in `state`.

    At skill 1 the steps are the goal's request; towards 0 it forgets dimensions and the
    constraint, misses options and strengths, misreads sources and adds needless steps. The
    context is always the state, all ten dimensions, and there are always 1 to 5 steps; but for
    an empty request, for what the picture shows already or no tool can do, there are none. With the
    goal and state of `habits.misled` it has habits too.
    """
    context = {name: state.get(name, UNKNOWN) for name in DIMENSIONS}
    if not goal.request:
        return Plan(context, (), NOTHING)
    steps = _with_mistakes(goal.request, (1.0 - skill) ** 2, rng) if skill < 1 else goal.request
    steps = tuple(Step(_reason(s, goal, rng), s.tool, s.parameters) for s in steps)
    return Plan(context, steps, _instruction(steps))


def _with_mistakes(request: tuple[Step, ...], error: float, rng) -> list[Step]:
    """The request with mistakes; `error` in [0, 1] scales the chance of each."""

    def errs(chance):
        return rng.random() < error * chance

    steps = [s for s in request if s.tool not in MODIFIERS]
    kept = [s for s in request if s.tool in MODIFIERS and not errs(FORGETS_CONSTRAINT)]
    for step in rng.permutation(len(steps))[1:]:  # at least one change remains
        if errs(FORGETS):
            steps[step] = None
    steps = [_vary(step, errs, rng) for step in steps if step]
    if len(steps) + len(kept) < MAX_TEACHER_STEPS and errs(ADDS_STEP):
        tool = str(rng.choice([name for name in COMPOSED if all(s.tool != name for s in steps)]))
        target = str(rng.choice(COMPOSED[tool]))
        steps.append(make_step(tool, UNKNOWN, target, float(rng.choice([0.5, 0.75, 1.0]))))
        steps.sort(key=lambda s: ORDER.index(s.tool))
    return steps + kept


def _vary(step: Step, errs, rng) -> Step:
    source, target, strength = source_of(step), step.option, step.parameters["strength"]
    if errs(MISTAKES_OPTION):
        target = neighbour(step.tool, target, rng)
    if errs(MISTAKES_STRENGTH):
        notches = rng.choice([-2, -1, 1, 2])
        strength = float(np.clip(strength + 0.25 * notches, 0.25, 1.0))
    if errs(MISREADS_SOURCE):
        source = neighbour(step.tool, source, rng) if source != UNKNOWN else UNKNOWN
        source = UNKNOWN if rng.random() < 0.5 else source
    return make_step(step.tool, source, target, strength)


def neighbour(tool: str, option: str, rng: np.random.Generator) -> str:
    """An option near this one; the vocabulary lists similar options together."""
    options = VOCABULARY[tool].options
    near = (options.index(option) + int(rng.choice([-2, -1, 1, 2]))) % len(options)
    return options[near]


def _reason(step: Step, goal: Goal, rng) -> str:
    if step.tool in MODIFIERS:
        kept = keeps(step)
        it = "them" if kept.endswith("s") else "it"
        return str(rng.choice(_WORDS["keep_reasons"])).format(kept=kept, it=it)
    source, target = source_of(step), step.option
    theme = goal.noun or "this request"
    words = {"theme": theme, "target": noun(step.tool, target), "kind": KINDS[step.tool]}
    if source == UNKNOWN:
        text = str(rng.choice(_WORDS["unknown_reasons"])).format(**words)
    else:
        fault = FAULTS.get(step.tool, {}).get(source, "not right")
        words |= {"source": noun(step.tool, source), "fault": fault}
        text = str(rng.choice(_WORDS["known_reasons"])).format(**words)
    return text[0].upper() + text[1:]


def _instruction(steps: tuple[Step, ...]) -> str:
    """One sentence: what changes, and what stays."""
    changes = [s for s in steps if s.tool not in MODIFIERS]
    adverbs = [ADVERBS[s.parameters["strength"]] for s in changes]
    if len(set(adverbs)) == 1:  # said once for the whole sentence
        adverbs[1:] = [""] * (len(adverbs) - 1)
    clauses = [
        f"{adverb} {CLAUSES[s.tool].format(noun(s.tool, s.option))}".strip()
        for adverb, s in zip(adverbs, changes, strict=True)
    ]
    text = " and ".join(filter(None, [", ".join(clauses[:-1]), clauses[-1]]))
    kept = [keeps(s) for s in steps if s.tool in MODIFIERS] or ["subject and composition"]
    return f"{text[0].upper()}{text[1:]}; keep {' and '.join(kept)} as before."
