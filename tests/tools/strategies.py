"""Hypothesis strategies for plans."""

from hypothesis import strategies as st

from agentic_styling.tools import DIMENSIONS, VOCABULARY, Plan, Step

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


def _values(parameter):
    if parameter.kind == "number":
        return st.floats(*parameter.values)
    if parameter.kind == "text":
        return st.sampled_from([*parameter.values, parameter.default])
    return st.sampled_from(parameter.values)


@st.composite
def steps(draw):
    tool = VOCABULARY[draw(st.sampled_from(list(VOCABULARY)))]
    optional = [name for name in tool.parameters if name != tool.target]
    names = {tool.target, *draw(st.sets(st.sampled_from(optional)))}
    parameters = {n: draw(_values(tool.parameters[n])) for n in tool.parameters if n in names}
    return Step(draw(TEXT), tool.name, parameters)


@st.composite
def plans(draw, max_steps=8):
    known = draw(st.sets(st.sampled_from(DIMENSIONS)))
    context = {}
    for name in (n for n in DIMENSIONS if n in known):
        tool = VOCABULARY[name]
        context[name] = draw(st.sampled_from(("unknown", *tool.parameters[tool.target].values)))
    return Plan(context, tuple(draw(st.lists(steps(), max_size=max_steps))), draw(TEXT))
