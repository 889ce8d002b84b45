"""The page's directory: its content, and writing it again."""

import json
import re
from dataclasses import replace

import jax
import numpy as np
import pytest
from PIL import Image

from agentic_styling.cli import main as cli
from agentic_styling.data import write_trajectories
from agentic_styling.data.storage import trajectories
from agentic_styling.evaluation.annotation import AnnotationServer, page
from agentic_styling.tools import encode_plans, execute
from agentic_styling.utils.errors import InputError
from tests.data.small_set import set_trajectories, write_set
from tests.evaluation.annotation.annotated import darker, write_dataset
from tests.training.fixtures import make_trajectories


@pytest.fixture
def dataset(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "execute", darker)
    return write_dataset(tmp_path / "data", contexts=4)


def items_of(html):
    return json.loads(re.search(r'id="items">(.*?)</script>', html, re.DOTALL)[1])


def pixels(path):
    with Image.open(path) as image:
        return np.array(image)


def test_it_shows_sources_edits_and_plans_and_no_score(dataset, tmp_path):
    out = tmp_path / "page"
    shown, known = page.write_page(dataset, out, contexts=2)
    assert len(shown) == 6
    assert len(known.contexts) == 2
    html = (out / "index.html").read_text()
    items = items_of(html)
    assert items["data"] == known.data
    assert items["served"] is False
    for context in items["contexts"]:
        first = next(t for t in shown if t.context_id == context["id"])
        np.testing.assert_array_equal(pixels(out / context["source"]), first.image)
        assert context["goal"] == first.goal
        assert len(context["edits"]) == 3
        for edit in context["edits"]:
            assert edit.keys() == {"id", "picture", "instruction", "steps"}
            made = pixels(out / edit["picture"]).astype(int)
            assert np.abs(made - first.image / 2).max() <= 0.5 + 1e-6
    step = items["contexts"][0]["edits"][0]["steps"][0]
    assert (step["tool"], step["target"], step["further"]) == ("season", "winter bare", "")
    assert step["reason"].startswith("The trees are green")
    # No external resources, no rewards, no skills.
    assert not re.search(r"https?://|reward|score|skill", html)


def test_the_edits_are_those_of_the_executor(tmp_path):
    # Twice as large: the size at which the other tests compile the executor's kernels.
    made = [replace(t, image=t.image.repeat(2, 0).repeat(2, 1)) for t in make_trajectories(1)]
    write_trajectories(tmp_path / "data", made)
    shown, _ = page.write_page(tmp_path / "data", tmp_path / "page", seed=3)
    rows = shown + shown[-1:] * (page.BATCH - len(shown))
    source = jax.numpy.asarray(np.float32([t.image for t in rows]) / 255)
    key = jax.random.fold_in(jax.random.key(3), 0)
    made = np.asarray(execute(source, encode_plans([t.plan for t in rows]), key))
    for trajectory, edit in zip(shown, made, strict=False):
        saved = pixels(tmp_path / "page/pictures" / page.edit_name(trajectory.id))
        np.testing.assert_array_equal(saved, np.uint8(np.round(255 * edit)))
    assert np.abs(saved - 1.0 * trajectory.image).mean() > 1


def test_of_a_set_its_own_edits_are_shown_and_no_others_decoded(tmp_path, monkeypatch):
    directory = write_set(tmp_path)
    decoded, picture = [], trajectories.decode_picture

    def noted(data, where):
        decoded.append(where)
        return picture(data, where)

    monkeypatch.setattr(trajectories, "decode_picture", noted)
    monkeypatch.setattr(page, "execute", None)
    shown, known = page.write_page(directory, tmp_path / "page", contexts=2, seed=1)
    assert len(decoded) == 2 + 6
    assert len(known.contexts) == 2
    ours = {t.id: t for t in set_trajectories()}
    assert [t.id for t in shown] == sorted(known.edits)
    for context in items_of((tmp_path / "page/index.html").read_text())["contexts"]:
        assert known.contexts[context["id"]] == {edit["id"] for edit in context["edits"]}
        for edit in context["edits"]:
            found = ours[edit["id"]]
            source = pixels(tmp_path / "page" / context["source"])
            np.testing.assert_array_equal(source, found.image)
            np.testing.assert_array_equal(pixels(tmp_path / "page" / edit["picture"]), found.edited)
    every = {name for s in range(9) for name in page.sample_contexts([*ours.values()], 2, s)}
    assert {name.split("-")[0] for name in every} == {"train", "validation", "test"}


def test_another_set_of_the_same_ids_is_another_data_set(tmp_path):
    page.write_page(write_set(tmp_path / "a"), tmp_path / "page", contexts=2)
    page.write_page(write_set(tmp_path / "b"), tmp_path / "page", contexts=2)
    for change in ({"goal": "colder"}, {"reward": 1.5}, {"provenance": {"seed": 1}}):
        first, *rest = set_trajectories()
        other = write_set(tmp_path / str(change), [replace(first, **change), *rest])
        with pytest.raises(InputError, match="holds a page of data="):
            page.write_page(other, tmp_path / "page", contexts=2)


def test_contexts_are_drawn_by_the_seed(dataset, tmp_path):
    everything = page.read_trajectories(dataset)
    drawn = {seed: page.sample_contexts(everything, 2, seed) for seed in range(9)}
    assert page.sample_contexts(everything[::-1], 2, 3) == drawn[3]
    assert set().union(*drawn.values()) == {t.context_id for t in everything}
    assert all(len(names) == 2 for names in drawn.values())
    assert len(page.sample_contexts(everything, 99, 0)) == 4
    # A larger sample contains the smaller one.
    assert drawn[5] < page.sample_contexts(everything, 3, 5)


def test_written_again_it_makes_only_what_is_missing(dataset, tmp_path, monkeypatch):
    out = tmp_path / "page"
    page.write_page(dataset, out, contexts=4)
    before = {path: path.read_bytes() for path in out.rglob("*.*")}
    (out / "pictures/edit-train-3-2.png").unlink()
    batches = []

    def counted(images, plans, key):
        batches.append(len(images))
        return darker(images, plans, key)

    monkeypatch.setattr(page, "execute", counted)
    page.write_page(dataset, out, contexts=4)
    assert batches == [page.BATCH]  # one of the two
    assert {path: path.read_bytes() for path in out.rglob("*.*")} == before


def test_pictures_of_several_shapes(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "execute", darker)
    made = make_trajectories(2)
    made = [replace(t, image=t.image[:48]) if t.context_id == "train-1" else t for t in made]
    write_trajectories(tmp_path / "data", made)
    page.write_page(tmp_path / "data", tmp_path / "page")
    assert pixels(tmp_path / "page/pictures/edit-train-1-0.png").shape == (48, 64, 3)
    assert pixels(tmp_path / "page/pictures/edit-train-0-0.png").shape == (64, 64, 3)


def test_texts_cannot_become_markup(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "execute", darker)
    goal = "</script><script>alert(1)</script><!--{{style}}"
    made = [replace(t, goal=goal) for t in make_trajectories(1)]
    write_trajectories(tmp_path / "data", made)
    page.write_page(tmp_path / "data", tmp_path / "page")
    html = (tmp_path / "page/index.html").read_text()
    assert html.count("<script") == html.count("</script>") == 2
    assert items_of(html)["contexts"][0]["goal"] == goal


def test_another_page_is_not_written_over(dataset, tmp_path):
    out = tmp_path / "page"
    page.write_page(dataset, out, contexts=2, seed=1)
    with pytest.raises(InputError, match="holds a page of seed=1, asked for 0"):
        page.write_page(dataset, out, contexts=2)
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.txt").write_text("")
    with pytest.raises(InputError, match="not empty and holds no page"):
        page.write_page(dataset, other)
    assert [path.name for path in other.iterdir()] == ["mine.txt"]
    with pytest.raises(InputError, match="is not a directory"):
        page.write_page(dataset, other / "mine.txt")
    (out / "page.json").write_text("[]")
    with pytest.raises(InputError, match="not a JSON object|not JSON"):
        page.write_page(dataset, out)


def test_the_command_writes_serves_and_refuses_in_one_line(dataset, tmp_path, capsys, monkeypatch):
    out = tmp_path / "page"
    cli.main(["annotate", str(dataset), "--out", str(out), "--contexts", "1"])
    assert capsys.readouterr().out == f"{out / 'index.html'}\n"

    def interrupted(server):
        assert server.url.startswith("http://127.0.0.1:")
        raise KeyboardInterrupt

    monkeypatch.setattr(AnnotationServer, "serve_forever", interrupted)
    cli.main(["annotate", str(dataset), "--out", str(out), "--contexts", "1", "--serve"])
    assert re.fullmatch(
        rf"http://127\.0\.0\.1:\d+/ until Ctrl-C; answers are saved in {out}/answers\n",
        capsys.readouterr().out,
    )
    for bad in (
        [str(tmp_path / "none"), "--out", str(tmp_path / "x")],
        [str(dataset), "--out", str(out), "--contexts", "0"],
        [str(dataset), "--out", str(out), "--contexts", "1", "--port", "65536"],
    ):
        with pytest.raises(SystemExit) as ended:
            cli.main(["annotate", *bad])
        assert ended.value.code == 2
        err = capsys.readouterr().err.split("\r")[-1]  # after the progress bar
        assert err.startswith("error: ")
        assert err.count("\n") == 1
