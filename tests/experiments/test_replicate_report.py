"""The report of the testbed, on rows with known answers."""

import importlib
import json
import sys
from pathlib import Path

import pytest

from agentic_styling.utils.errors import InputError
from configs.replicate import MAIN, get_config

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "experiments"))
report = importlib.import_module("replicate_report")
differences = importlib.import_module("replication.differences")
paper = importlib.import_module("replication.paper")
rows_file = importlib.import_module("replication.rows")

SEEDS, CASES = (0, 1), range(6)


def made(cell, method, gain, *, seeds=SEEDS, control="", tables=("chosen", "equal"), **behaviour):
    """Rows whose reward is 2 + gain, plus what differs between cases and seeds but not methods."""
    return [
        {
            "cell": cell,
            "behaviour": {"set": "demo", "habit_strength": 0.5, "plans_per_context": 4} | behaviour,
            "method": method,
            "control": control,
            "seed": seed,
            "settings": {"learning_rate": 1e-4} if tables else {},
            "tables": list(tables),
            "case": f"c{case}",
            "photo": f"p{case // 2}",
            "temperature": heat,
            "reward": 2 + gain + 0.25 * case + (seed or 0) + heat,
            "held_out_reward": 1 + gain + 0.25 * case + (seed or 0),
            "valid": True,
        }
        for seed in seeds
        for case in CASES
        for heat in (0, 1)
    ]


@pytest.fixture
def rows():
    return [
        *made("main", "S", 0.0, tables=()),
        *made("main", "E", -1.0, seeds=(None,), tables=()),
        *made("main", "R", 0.5, tables=("chosen",)),
        *made("main", "R", 0.25, tables=("equal",)),
        *made("main", "R", 0.0, control="shuffled", tables=("shuffled",)),
        *made("other", "S", 1.0, tables=()),
        *made("other", "R", 1.125, tables=("equal",)),
    ]


@pytest.mark.parametrize(
    ("expression", "table", "value"),
    [
        ("main/R - main/S", "chosen", 0.5),
        ("main/R - main/S", "equal", 0.25),
        ("main/R:shuffled - main/S", "chosen", 0.0),
        ("other/R - other/S", "chosen", 0.125),  # it has no trials
        ("main/R - main/S - other/R + other/S", "chosen", 0.375),
    ],
)
def test_a_paired_difference_leaves_out_what_all_share(rows, expression, table, value):
    for heat in (0, 1):
        for score in differences.BOTH:
            interval = differences.Rows(rows).difference(expression, score, heat, table)
            assert interval == pytest.approx((value, value, value))


def test_a_method_without_training_is_compared_with_every_seed(rows):
    interval = differences.Rows(rows).difference("main/S - main/E", "reward", 0, "chosen")
    assert interval.mean == pytest.approx(1.5)  # the seeds of S give 0 and 1 more
    assert (interval.low, interval.high) == pytest.approx((1.0, 2.0))
    mean = differences.Rows(rows).difference("main/S", "reward", 0, "chosen").mean
    assert mean == pytest.approx(2 + 0.5 + 0.25 * 2.5)


def test_only_seeds_and_cases_that_all_have_are_compared(rows):
    less = [
        row
        for row in rows
        if not (row["method"] == "R" and (row["seed"] == 1 or row["case"] == "c5"))
    ]
    interval = differences.Rows(less).difference("main/S", "reward", 0, "equal")
    both = differences.Rows(less).difference("main/S + main/R - main/R", "reward", 0, "equal")
    assert interval.mean - both.mean == pytest.approx(0.5 + 0.25 * 0.5)
    assert differences.Rows(rows).difference("main/SW - main/S", "reward", 0, "equal") is None
    unchosen = [row for row in rows if row["method"] != "R"] + made(
        "main", "R", 9, tables=["equal"]
    )
    unchosen += made("main", "D", 0.5, tables=["chosen"])
    assert differences.Rows(unchosen).difference("main/R", "reward", 0, "chosen") is None
    with pytest.raises(InputError, match="seed 0, case c0: twice"):
        differences.Rows([*rows, dict(rows[0])])


def test_former_choices_are_left_out(rows):
    former = made("main", "R", 2.0, tables=("former",))  # twice, as of two choices
    own = differences.Rows([*rows, *former, *(dict(row) for row in former)])
    assert own.difference("main/R - main/S", "reward", 0, "chosen").mean == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("direction", "expressions", "verdict"),
    [
        ("above", ["main/R - main/S"], "holds"),
        ("above", ["main/R - main/S", "main/R:shuffled - main/S"], "does not hold"),
        ("above", ["main/R - main/S", "main/D - main/S"], "not measured"),
        ("any above", ["main/D - main/S", "main/R - main/S"], "holds"),
        ("any above", ["main/R:shuffled - main/S"], "does not hold"),
        ("any above", ["main/R:shuffled - main/S", "main/D - main/S"], "not measured"),
        ("below", ["main/S - main/R"], "holds"),
        ("zero", ["main/R:shuffled - main/S"], "holds"),
        ("zero", ["main/R - main/S"], "does not hold"),
        ("not above", ["main/R:shuffled - main/S", "main/S - main/R"], "holds"),
        ("not above", ["main/R - main/S"], "does not hold"),
    ],
)
def test_a_claim_is_scored_by_all_its_intervals(rows, direction, expressions, verdict):
    claim = {"says": "", "direction": direction, "expressions": expressions}
    assert differences.score_claim(differences.Rows(rows), claim)[0] == verdict


def test_one_reward_or_temperature_is_enough_to_fail(rows):
    claim = {"says": "", "direction": "above", "expressions": ["main/R - main/S"]}
    for score in differences.BOTH:
        for heat in (0, 1):
            which = {"method": "R", "temperature": heat, "tables": ["chosen"]}
            changed = [r | {score: 0.0} if which.items() <= r.items() else r for r in rows]
            own = differences.Rows(changed)
            assert differences.score_claim(own, claim)[0] == "does not hold"
            other = differences.score_claim(own, claim | {"temperatures": [1 - heat]})
            assert other[0] == "holds"


def test_the_predictions_are_of_cells_that_the_configs_have():
    path = ROOT / "experiments/results/replication/predictions.json"
    claims = [*json.loads(path.read_text()).values(), *paper.claims()]
    configs = {arg: get_config(arg) for arg in ("main", "phase", "paper")}
    for claim in claims:
        assert claim["direction"] in ("any above", *differences.DIRECTIONS)
        for term in (t for e in claim["expressions"] for t in differences.terms_of(e)[0]):
            cell, method = term.split("/")
            config = next(config for config in configs.values() if cell in config.cells)
            methods = config.cells[cell].get("methods", config.methods)
            method, _, control = method.partition(":")
            assert method in config.controls[control] if control else method in (*methods, "S", "E")
    assert set(paper.CELLS) == set(configs["paper"].cells) and set(paper.RL) < set(MAIN)


def test_the_report_is_of_the_rows_alone(rows, tmp_path):
    phase = [
        row
        for strength in (0.0, 0.6)
        for method, gain in (("S", 0.0), ("RW", strength))
        for row in made(
            f"h{strength}", method, gain, habit_strength=strength, tables=("equal",) * (gain > 0)
        )
    ]
    for name in ("main", "other"):
        own = [row for row in rows if row["cell"] == name]
        rows_file.write_rows(tmp_path / f"{name}.jsonl.gz", own)
    rows_file.write_rows(tmp_path / "phase.jsonl.gz", phase)
    claim = {"says": "R gains.", "refuted_by": "no gain.", "direction": "above"}
    claim["expressions"] = ["main/R - main/S"]
    (tmp_path / "predictions.json").write_text(json.dumps({"gain": claim}))
    outputs = []
    for images in ("first", "second"):
        report.main([f"--rows={tmp_path}", f"--images={tmp_path / images}"])
        files = sorted((tmp_path / images).iterdir())
        outputs.append([(tmp_path / "report.md").read_bytes(), *(f.read_bytes() for f in files)])
    assert outputs[0] == outputs[1] and len(files) >= 4
    text = outputs[0][0].decode()
    assert "| R gains. Refuted by: no gain. | holds | main/R - main/S, T 0: +0.50 [+0.50" in text
    assert "## main: rates chosen in validation; 2 seeds, 6 cases of 3 photographs" in text
    assert "## main: all at 0.0001;" in text
    assert "| +0.25 [+0.25, +0.25], +0.25 [+0.25, +0.25] | both rose |" in text
    chosen, equal = text.split("## main: ")[1:3]
    assert "| R:shuffled |" in chosen and "| R:shuffled |" not in equal
    assert "| main: " not in text and "complex-text-small: S above E | not measured" in text
    with pytest.raises(SystemExit):
        report.main([f"--rows={tmp_path / 'first'}"])
