"""Reading answers, and measures of agreement computed by hand."""

import numpy as np
import pytest

from agentic_styling.cli import main as cli
from agentic_styling.data.storage import trajectories
from agentic_styling.evaluation.annotation.agreement import (
    agreement,
    kendall_tau,
    mean_ranks,
    pairs_alike,
    same_top,
)
from agentic_styling.utils.errors import InputError
from tests.data.small_set import set_trajectories, write_set
from tests.evaluation.annotation.annotated import ranking, verdict, write_answers, write_dataset

LATER = "2026-01-31T09:31:00.000Z"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("annotated") / "data")


def test_pass_and_fail_by_hand(dataset, tmp_path):
    # Rewards: 0-0 4.5, 0-1 4.0, 0-2 2.5, 1-0 4.0, 1-1 2.5, 1-2 4.5.
    said = {
        "ann": "train-0-0 pass, train-0-1 pass, train-0-2 fail, train-1-0 fail, train-1-1 pass",
        "bob": "train-0-0 pass, train-0-1 fail, train-0-2 fail, train-1-0 fail",
        "cyd": "train-0-0 pass, train-1-0 fail",
    }
    paths = [
        write_answers(
            tmp_path / f"{name}.jsonl",
            [verdict(dataset, name, *pair.split()) for pair in pairs.split(", ")],
        )
        for name, pairs in said.items()
    ]
    measures = agreement(dataset, paths)
    assert measures["pass_rate"].interval.mean == pytest.approx(5 / 11)
    assert measures["pass_rate"].count == 11
    # 0-1 is a tie and left out; pass: 0-0 and 1-1; fail: 0-2 and 1-0.
    assert measures["majority_pass_rate"].interval.mean == 2 / 4
    # The reward agrees on 0-0 and 0-2, not on 1-0 and 1-1.
    assert measures["judge_pass"].interval.mean == 2 / 4
    # Contexts of agreement 2/2 and 0/2: draws of two give 0, 1/2 or 1.
    assert measures["judge_pass"].interval[1:] == (0, 1)
    # Units ppp, pf, ff, fff: 5 + 5 ratings less one fail of 11 rated once. Observed: 2 / 10;
    # expected: 2 * 4 * 6 / (10 * 9).
    assert measures["alpha_pass"].interval.mean == pytest.approx(1 - (2 / 10) / (48 / 90))
    assert measures["alpha_pass"].count == 4
    # Pairs pp, ff, fp, pf: four of each mark, observed 4 / 8, expected 2 * 4 * 4 / (8 * 7).
    assert measures["judge_alpha"].interval.mean == pytest.approx(1 - (4 / 8) / (32 / 56))


def test_ranks_by_hand(dataset, tmp_path):
    def ranks(context, first, second, third):
        return {f"{context}-0": first, f"{context}-1": second, f"{context}-2": third}

    rows = [
        ranking(dataset, "ann", "train-0", ranks("train-0", 1, 2, 3)),
        ranking(dataset, "bob", "train-0", ranks("train-0", 2, 1, 3)),
        ranking(dataset, "cyd", "train-0", ranks("train-0", 1, 2, 3)),
        ranking(dataset, "ann", "train-1", ranks("train-1", 1, 2, 2)),
    ]
    measures = agreement(dataset, [write_answers(tmp_path / "all.jsonl", rows)])
    # Context 0: the order of the reward, all three pairs. Context 1: people 0 < 1 = 2, rewards
    # 4.0, 2.5, 4.5: of two pairs one alike; either of 1, 2 is second by chance, the reward's best
    # two are 0 and 2.
    assert measures["judge_pairs"].interval.mean == pytest.approx(4 / 5)
    assert measures["judge_pairs"].count == 5
    assert measures["judge_top_2"].interval.mean == pytest.approx((1 + 1 / 2) / 2)
    assert measures["judge_tau"].interval.mean == pytest.approx((1 + 0) / 2)
    # Three units of context 0, (1 2 1), (2 1 2), (3 3 3), each value three times: distances
    # 9 (neighbours) and 36; observed 2 * 2 * 9 / 9 = 4, expected (4 * 9 * 9 + 2 * 9 * 36) / 72.
    assert measures["alpha_ranks"].interval.mean == pytest.approx(1 - 4 / (972 / 72))
    assert measures["alpha_ranks"].count == 3
    assert np.isnan(measures["alpha_ranks"].interval.low)  # one context only
    assert np.isnan(measures["pass_rate"].interval.mean)  # no verdict at all


def test_tau_pairs_and_top_by_hand():
    assert kendall_tau([1, 2, 3, 4], [4, 3, 2, 1]) == 1
    # Five pairs alike and one not, of six.
    assert kendall_tau([1, 2, 3, 4], [4, 2, 3, 1]) == pytest.approx(4 / 6)
    # A tie on one side: 5 / sqrt(5 * 6).
    assert kendall_tau([1, 2, 2, 4], [4, 3, 2, 1]) == pytest.approx(5 / 30**0.5)
    assert np.isnan(kendall_tau([1, 1], [1, 2]))
    assert pairs_alike([1, 2, 2], [5, 5, 1]) == (1.5, 2)
    assert same_top([1, 2, 3], [3, 5, 1]) == 1
    assert same_top([1, 2, 3], [3, 1, 5]) == 0
    assert same_top([2, 2, 2], [3, 1, 5]) == pytest.approx(1 / 3)
    assert same_top([1, 2.5, 2.5], [5, 1, 1]) == pytest.approx(1 / 2)
    assert mean_ranks({"a": 1, "b": 1, "c": 3}) == {"a": 1.5, "b": 1.5, "c": 3}


def test_the_last_answer_counts_and_null_withdraws_it(dataset, tmp_path, capsys):
    first = [
        verdict(dataset, "ann", "train-0-0", "fail"),
        verdict(dataset, "ann", "train-0-1", "pass"),
    ]
    later = [
        verdict(dataset, "ann", "train-0-0", "pass", LATER),
        verdict(dataset, "ann", "train-0-1", None, LATER),
    ]
    # Whichever file is named first.
    paths = [write_answers(tmp_path / f"{i}.jsonl", x) for i, x in enumerate((later, first))]
    measures = agreement(dataset, paths)
    assert measures["pass_rate"].interval.mean == 1
    assert measures["pass_rate"].count == 1
    assert "ann        1         1.00    0" in capsys.readouterr().out


def test_a_page_is_read_and_an_unfinished_last_line_left_out(dataset, tmp_path):
    for name in ("ann", "bob"):
        rows = [verdict(dataset, name, "train-0-0", "pass")]
        path = write_answers(tmp_path / "answers" / f"{name}.jsonl", rows)
    with path.open("a") as file:
        file.write('{"data": "cut sho')
    assert agreement(dataset, [tmp_path])["pass_rate"].count == 2


def test_of_a_set_no_picture_is_decoded(tmp_path, monkeypatch):
    directory = write_set(tmp_path)
    # Rewards: validation-0-0 4.5, -1 4.0, -2 2.5; test-1-1 2.5.
    said = {"validation-0-0": "pass", "validation-0-2": "pass", "test-1-1": "fail"}
    rows = [verdict(directory, "ann", *pair) for pair in said.items()]
    ranks = {"validation-0-0": 1, "validation-0-1": 2, "validation-0-2": 3}
    rows.append(ranking(directory, "ann", "validation-0", ranks))
    path = write_answers(tmp_path / "ann.jsonl", rows)
    monkeypatch.setattr(trajectories, "decode_picture", None)
    measures = agreement(directory, [path])
    assert measures["judge_pass"].interval.mean == pytest.approx(2 / 3)
    assert measures["judge_tau"].interval.mean == 1
    other = write_set(tmp_path / "other", set_trajectories()[1:])
    with pytest.raises(InputError, match=r"ann\.jsonl, line 1: data=.* but this data set is"):
        agreement(other, [path])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": "0" * 64}, "data='000000000000', but this data set is"),
        ({"annotator": "../x"}, "annotator='../x'; use a name of at most 40 letters"),
        ({"annotator": 3}, "annotator is not a string"),
        ({"id": "train-9-9"}, "id='train-9-9' is not in the data set"),
        ({"verdict": "maybe"}, "verdict='maybe'; use pass, fail or null"),
        ({"verdict": ["pass"]}, "use pass, fail or null"),
        ({"time": "today"}, "time='today'; write 2026"),
        ({"kind": "grade"}, "kind='grade'; use verdict or ranking"),
        ({"kind": []}, "use verdict or ranking"),
        ({"more": 1}, "field 'more' is missing or unknown"),
    ],
)
def test_a_bad_line_is_named(dataset, tmp_path, change, words):
    rows = [verdict(dataset, "ann", "train-0-0", "pass")]
    rows.append(rows[0] | change)
    path = write_answers(tmp_path / "ann.jsonl", rows)
    with pytest.raises(InputError) as error:
        agreement(dataset, [path])
    assert str(error.value).startswith(f"{path}, line 2: ")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "ranks",
    [
        {"train-0-0": 1, "train-0-1": 2},
        {"train-0-0": 1, "train-0-1": 2, "train-1-2": 3},
        {"train-0-0": 0, "train-0-1": 2, "train-0-2": 3},
        {"train-0-0": 1, "train-0-1": 2, "train-0-2": 4},
        {"train-0-0": 1, "train-0-1": 2, "train-0-2": True},
        [1, 2, 3],
    ],
)
def test_bad_ranks_are_refused(dataset, tmp_path, ranks):
    path = write_answers(tmp_path / "a.jsonl", [ranking(dataset, "ann", "train-0", ranks)])
    with pytest.raises(InputError, match="line 1: ranks of train-0"):
        agreement(dataset, [path])


def test_the_command(dataset, tmp_path, capsys):
    path = write_answers(tmp_path / "a.jsonl", [verdict(dataset, "ann", "train-0-0", "pass")])
    cli.main(["agreement", str(dataset), str(path)])
    out = capsys.readouterr().out
    assert "Passed, of all verdicts" in out
    assert "1 verdicts" in out
    assert "nan" not in out
    path.write_text("{\n")
    for bad in (path, tmp_path / "none.jsonl", write_answers(tmp_path / "e.jsonl", [])):
        with pytest.raises(SystemExit) as ended:
            cli.main(["agreement", str(dataset), str(bad)])
        assert ended.value.code == 2
        assert capsys.readouterr().err.count("\n") == 1
