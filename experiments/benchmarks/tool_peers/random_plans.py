"""Random plans like those of the Regular set: three to five steps, some with a constraint."""

import numpy as np

from agentic_styling.tools import DIMENSIONS, VOCABULARY, Plan, Step

_CONSTRAINED = 0.25  # share of the plans with a modifier
_GIVEN = 0.5  # share of the optional parameters that are given


def random_plans(count: int, seed: int = 0) -> list[Plan]:
    """The first `count` plans of the sequence of `seed`."""
    rng = np.random.default_rng(seed)
    return [_plan(rng) for _ in range(count)]


def _plan(rng) -> Plan:
    names = [str(name) for name in rng.choice(DIMENSIONS, rng.integers(3, 6), replace=False)]
    steps = [_step(name, rng) for name in names]
    if rng.random() < _CONSTRAINED:
        name = ("preserve_attribute", "exclude_region")[rng.integers(2)]
        steps.insert(int(rng.integers(len(steps) + 1)), _step(name, rng))
    return Plan({}, tuple(steps))


def _step(name: str, rng) -> Step:
    """A step with a random target and half of its other parameters, the strength in [0.5, 1]."""
    tool = VOCABULARY[name]
    parameters = {}
    for parameter in tool.parameters.values():
        if parameter.name == tool.target or (parameter.values and rng.random() < _GIVEN):
            parameters[parameter.name] = _value(parameter, rng)
    return Step("", name, parameters)


def _value(parameter, rng):
    if parameter.kind == "number":
        return round(float(rng.uniform(0.5, 1.0)), 2)
    return parameter.values[rng.integers(len(parameter.values))]
