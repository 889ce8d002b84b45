"""The gallery: its rows cover the vocabulary, its measures are right, its pages hold together."""

import importlib
import re
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from agentic_styling.rewards.attributes import ATTRIBUTES
from agentic_styling.tools import DIMENSIONS, VOCABULARY, encode_plans
from agentic_styling.utils.errors import InputError

sys.path.append(str(Path(__file__).parents[2] / "experiments"))
gallery = importlib.import_module("gallery")
demonstrations = importlib.import_module("gallery_parts.demonstrations")
documents = importlib.import_module("gallery_parts.documents")
independence = importlib.import_module("gallery_parts.independence")
photographs = importlib.import_module("gallery_parts.photographs")

NAMES = list(ATTRIBUTES)


def step_with(section, row):
    """The parameters that a row gives the section's tool, in its last step of that tool."""
    return [s.parameters for s in row.plan.steps if s.tool == section.tool][-1:]


def test_every_value_of_every_choice_has_a_row():
    shown = {section.name: section for section in demonstrations.sections()}
    assert len(shown) == len(demonstrations.sections())
    for tool, spec in VOCABULARY.items():
        for parameter in spec.parameters.values():
            if parameter.kind not in ("enum", "bool"):
                continue
            section = shown[f"{tool}.{parameter.name}"]
            given = [p.get(parameter.name) for row in section.rows for p in step_with(section, row)]
            assert set(parameter.values) <= set(given), section.name


def test_every_row_encodes_without_a_warning():
    plans = [row.plan for section in demonstrations.sections() for row in section.rows]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encode_plans(plans)


@pytest.mark.parametrize(
    "only, words", [("whether", "weather"), ("weather.intensty", "intensity"), ("weather.", None)]
)
def test_only_names_a_tool_or_a_parameter(only, words):
    if words is None:
        assert {s.tool for s in demonstrations.sections(only)} == {"weather"}
        return
    with pytest.raises(InputError, match=f"--only: .*{words}"):
        demonstrations.sections(only)


def measured(**steps):
    """Attributes of two photographs: so many steps each, zero elsewhere."""
    rows = np.zeros((2, len(NAMES)))
    for name, value in steps.items():
        rows[:, NAMES.index(name)] = value
    return independence.Measured(rows, np.zeros((2, 64, 64, 3)))


def test_movement_by_hand():
    after = measured(temperature=3, chroma=-4, luminance=(2, -6), grain=1)
    found = independence.movement("color_grading", measured(), after)
    assert found.own == 5  # temperature and chroma
    assert found.other == pytest.approx(17**0.5)  # |luminance| 4 on average, grain 1
    assert (found.foreign, found.foreign_steps) == ("luminance", -2)
    assert found.mean[NAMES.index("chroma")] == -4
    assert found.visible == (4 + 6) / 2


def test_distance_is_the_larger_of_color_and_attributes():
    still = measured()
    colored = independence.Measured(still.steps, np.full((2, 64, 64, 3), [0.0, 6.0, 0.0]))
    assert independence.distance(still, colored) == pytest.approx(6 / independence.COLOR_STEP)
    both = independence.Measured(measured(haze=5).steps, colored.thumbnails)
    assert independence.distance(still, both) == 5


def test_alike_lists_near_pairs_but_not_what_auto_stands_for():
    rows = [measured(haze=steps) for steps in (0, 0.5, 2, 0, 2)]
    found = independence.alike("weather.x", ["a", "b", "c", "auto", "d"], rows)
    assert found == [("weather.x", ("c", "d"), 0), ("weather.x", ("a", "b"), 0.5)]


def test_between_dimensions_counts_only_what_is_not_also_its_own():
    option = independence.movement("color_grading", measured(), measured(chroma=3, grain=2))
    table = independence.between_dimensions({"color_grading": {"x": option}})
    row = dict(zip(DIMENSIONS, table[DIMENSIONS.index("color_grading")], strict=True))
    assert row["color_grading"] == 3
    assert row["artistic_medium"] == 2  # grain; chroma is the grade's own too
    assert row["season"] == 0
    assert np.isnan(table[DIMENSIONS.index("weather")]).all()


def test_own_attributes_are_attributes_and_every_one_is_somebodys():
    assert list(independence.OWN) == list(DIMENSIONS)
    owned = {name for own, _ in independence.OWN.values() for name in own}
    assert owned <= set(NAMES)
    assert set(NAMES) - owned <= {"dark_clipping", "bright_clipping"}  # nobody's: faults


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    out = tmp_path_factory.mktemp("gallery")
    gallery.main(
        ["--out", str(out), "--only", "season.target_season"]
        + ["--size", "64", "--columns", "2", "--sheet"]
    )
    return out


@pytest.mark.slow
def test_pages_link_only_to_files_beside_them(written):
    for page in written.glob("*.html"):
        text = page.read_text()
        links = re.findall(r'(?:src|href|data-source)="([^"]+)"', text)
        ids = {f"#{name}" for name in re.findall(r'id="([^"]+)"', text)}
        assert links
        assert not [x for x in links if x not in ids and not (written / x).is_file()]
        assert str(written) not in text
    assert {p.name for p in written.glob("*.html")} == {"index.html", "season.html"}


@pytest.mark.slow
def test_a_page_shows_each_value_on_each_photograph(written):
    pictures = sorted((written / "pictures/season/target_season").glob("*.jpg"))
    assert len(pictures) == 4 * 2
    # The whole photographs: a square one, and one of 451 x 300.
    assert {Image.open(p).size for p in pictures} == {(64, 64), (64, 40)}
    text = (written / "season.html").read_text()
    for season in VOCABULARY["season"].parameters["target_season"].values:
        assert season.replace("_", " ") in text
    assert Image.open(written / "season.target_season.png").height >= 5 * 64


def test_tables_replace_what_stands_between_the_marks(tmp_path):
    page = tmp_path / "tools.md"
    page.write_text(f"before\n{documents.BEGIN}\nold\n{documents.END}\nafter\n")
    found = independence.Measurements()
    for name in DIMENSIONS:
        option = independence.movement(name, measured(), measured(haze=3, snow_cover=-7))
        found.moved[name] = {"x": option}
    documents.write_tables(page, found, ["cat", "dog"], 64)
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text
    assert "| color_grading | x | 3.0 | 7.0 | snow_cover -7.0 |" in text
    once = text
    documents.write_tables(page, found, ["cat", "dog"], 64)
    assert page.read_text() == once


def test_a_page_without_the_marks_is_refused(tmp_path):
    (tmp_path / "other.md").write_text("text")
    with pytest.raises(InputError, match="other.md: has no place for the tables"):
        documents.write_tables(tmp_path / "other.md", independence.Measurements(), [], 64)


def test_photographs_stay_whole_and_are_spread_over_a_folder(tmp_path):
    for i in range(7):
        Image.new("RGB", (90, 70), (i * 30, 0, 0)).save(tmp_path / f"{i}.png")
    names, pictures = photographs.read_photographs([str(tmp_path)], 3, 64)
    assert names == ["1", "3", "5"] and [p.shape for p in pictures] == [(48, 64, 3)] * 3
    np.testing.assert_allclose([p[0, 0, 0] * 255 for p in pictures], [30, 90, 150], atol=1e-3)


@pytest.mark.parametrize(
    "flags, words",
    [
        (["nowhere.jpg"], "nowhere.jpg: no such photograph"),
        (["--size", "4"], "--size: 4 is too small"),
        (["--only", "weather", "--docs", "x.md"], "--docs: the tables need every dimension"),
    ],
)
def test_bad_flags_end_with_one_line(tmp_path, capsys, flags, words):
    with pytest.raises(SystemExit) as end:
        gallery.main([*flags, "--out", str(tmp_path / "out")])
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
