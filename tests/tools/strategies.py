"""Hypothesis strategies for plans."""

from hypothesis import strategies as st

from agentic_styling.tools import DIMENSIONS, VOCABULARY, Plan, Step

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


def _values(parameter):
    """What a parameter may be as the grammar of plans writes it too; without its own object."""
    if parameter.kind == "number":
        return st.floats(*parameter.values)
    if parameter.kind == "text":
        return st.sampled_from(parameter.values) if parameter.values else TEXT
    if parameter.kind == "list":
        item = parameter._replace(kind=parameter.items)
        return st.lists(_values(item), min_size=1, max_size=3)
    if parameter.kind == "object":
        return st.just({})
    return st.sampled_from(parameter.values)


@st.composite
def steps(draw, branches=False):
    """A step of any tool; with branches, actions may have parameters of their own."""
    tool = VOCABULARY[draw(st.sampled_from(list(VOCABULARY)))]
    optional = [name for name in tool.parameters if name != tool.target]
    names = {tool.target, *draw(st.sets(st.sampled_from(optional)))}
    parameters = {n: draw(_values(tool.parameters[n])) for n in tool.parameters if n in names}
    for branch in ("then", "else"):
        action = parameters.get(f"{branch}_action")
        if branches and action and f"{branch}_parameters" in parameters:
            parameters[f"{branch}_parameters"] = draw(_own_parameters(action))
    return Step(draw(TEXT), tool.name, parameters)


@st.composite
def _own_parameters(draw, action):
    tool = VOCABULARY[action.partition(":")[0]]
    names = draw(st.sets(st.sampled_from([n for n in tool.parameters if n != tool.target])))
    return {n: draw(_values(tool.parameters[n])) for n in tool.parameters if n in names}


@st.composite
def plans(draw, max_steps=8, branches=False):
    known = draw(st.sets(st.sampled_from(DIMENSIONS)))
    context = {}
    for name in (n for n in DIMENSIONS if n in known):
        tool = VOCABULARY[name]
        context[name] = draw(st.sampled_from(("unknown", *tool.parameters[tool.target].values)))
    return Plan(context, tuple(draw(st.lists(steps(branches), max_size=max_steps))), draw(TEXT))
