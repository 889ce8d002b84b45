"""Export in the published form, and the way there and back."""

import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image

from agentic_styling.cli import main as cli
from agentic_styling.data import export_data, read_published
from agentic_styling.utils.errors import InputError
from tests.data.formats.published_rows import make_ours, make_row
from tests.data.small_set import set_trajectories, write_set

SAME = ["split", "photo", "state", "goal", "theme", "explicit", "request", "plan", "reward"]
SAME += ["scores"]


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_export_then_import_gives_the_same(tmp_path, kind):
    ours = make_ours()
    export_data(ours, tmp_path / "out", "published")
    for path in (tmp_path / "out").glob("*.jsonl" if kind == "parquet" else "*.parquet"):
        path.unlink()
    found, report = read_published(tmp_path / "out", 64)
    assert report.counts == {}
    back = {t.id: t for t in found}
    assert back.keys() == {t.id for t in ours}
    for a in ours:
        for name in SAME:
            assert getattr(a, name) == getattr(back[a.id], name), name
        np.testing.assert_array_equal(a.image, back[a.id].image)
    contexts = {(t.context_id, back[t.id].context_id) for t in ours}
    assert len(contexts) == 2


@pytest.mark.parametrize("form", ["published", "trl", "llama-factory", "ms-swift"])
def test_the_command_exports_a_set_split_by_split(tmp_path, capsys, form):
    directory, out = write_set(tmp_path), tmp_path / "out"
    cli.main(["export-data", str(directory), "--format", form, "--out", str(out)])
    assert capsys.readouterr().out == f"{out}\n"
    ours = {t.id: t for t in set_trajectories()}
    for split in ("train", "validation", "test"):
        rows = [json.loads(line) for line in (out / f"{split}.jsonl").read_text().splitlines()]
        assert [row["id"] for row in rows] == [t.id for t in ours.values() if t.split == split]
        # One of three plans of a context is the best, one the worst: 4.5 over 2.5.
        pairs = out / f"{split}_pairs.jsonl"
        assert form == "published" or len(pairs.read_text().splitlines()) == len(rows) // 3
        for row in rows:
            (path,) = row.get("images", [row.get("image_path")])
            with Image.open(out / path) as picture:
                np.testing.assert_array_equal(np.asarray(picture), ours[row["id"]].image)
    if form == "published":
        back = {t.id: (t.split, t.reward, t.plan) for t in read_published(out, 64)[0]}
        assert back == {name: (t.split, t.reward, t.plan) for name, t in ours.items()}


def test_exported_rows_are_as_published(tmp_path):
    ours = [t for t in make_ours() if t.split == "train"]
    export_data(ours, tmp_path / "out", "published")
    rows = [json.loads(line) for line in (tmp_path / "out/train.jsonl").read_text().splitlines()]
    assert rows == pyarrow.parquet.read_table(tmp_path / "out/train.parquet").to_pylist()
    assert list(rows[0]) == list(make_row())
    # Rewards of 0.7, 1.51, 2.32 are evenly spaced: their z scores are those of 1, 2, 3.
    weights = [row["standardized_weight"] for row in rows]
    np.testing.assert_allclose(weights, [-(1.5**0.5), 0, 1.5**0.5], atol=1e-9)
    assert [row["individual_score"] for row in rows] == [t.reward for t in ours]
    analysis = json.loads((tmp_path / "out" / rows[0]["analysis_path"]).read_text())
    assert len(analysis) == 10
    assert {k: v for k, v in analysis.items() if v != "unknown"} == ours[0].state


def test_equal_rewards_have_no_weight(tmp_path):
    export_data([replace(t, reward=3.0) for t in make_ours(3)], tmp_path / "out", "published")
    table = pyarrow.parquet.read_table(tmp_path / "out/train.parquet")
    assert table["standardized_weight"].to_pylist() == [0, 0, 0]


def test_a_hostile_split_or_context_writes_nothing_elsewhere(tmp_path):
    for change in ({"split": "../x"}, {"context_id": "../x"}):
        for form in ("published", "trl"):
            with pytest.raises(InputError, match=r"\.\./x"):
                export_data([replace(make_ours(1)[0], **change)], tmp_path / "out", form)
    assert list(tmp_path.iterdir()) == []
