import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from agentic_styling.evaluation.report import write_report
from agentic_styling.evaluation.report.markup import Markup, tag
from agentic_styling.evaluation.report.tables import paired_table
from agentic_styling.evaluation.results import METHODS
from agentic_styling.utils.errors import InputError
from tests.evaluation.mock_run import HOSTILE, mock_evaluation

VOID = {"meta", "img", "circle", "line", "rect", "polyline", "br"}


class Page(HTMLParser):
    """Elements, text and attributes of a page; fails on tags that are not nested properly."""

    def __init__(self, source):
        super().__init__()
        self.open, self.elements, self.text = [], [], []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_starttag(self, tag, attributes):
        assert tag not in VOID
        self.open.append(tag)
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)

    def all(self, name):
        return [attributes for tag, attributes in self.elements if tag == name]


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    directory = tmp_path_factory.mktemp("evaluated")
    images = np.random.default_rng(0).integers(0, 255, (3, 16, 16, 3), np.uint8)
    curves = directory / "metrics.jsonl"
    curves.write_text("".join(json.dumps({"step": s, "loss": 4 - s}) + "\n" for s in range(3)))
    with pytest.MonkeyPatch.context() as patch:
        mock_evaluation(
            patch, directory, images=images, film_strips=3, curves={"standard": str(curves)}
        )
    return directory


@pytest.fixture(scope="module")
def page(workdir):
    return Page((workdir / "report/index.html").read_text())


def test_page_is_one_file(page):
    addresses = [a[k] for _, a in page.elements for k in ("src", "href", "xlink:href") if k in a]
    assert addresses
    assert all(address.startswith(("#", "data:image/jpeg;base64,")) for address in addresses)
    assert not page.all("link")


def test_only_the_pages_own_script_may_run(page, workdir):
    (policy,) = [m["content"] for m in page.all("meta") if "http-equiv" in m]
    script = (workdir / "report/index.html").read_text().split("<script>")[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'")
    assert f"script-src 'sha256-{digest}'" in policy


def test_generated_text_cannot_become_markup(page):
    assert len(page.all("script")) == 1
    assert not [a for _, a in page.elements for name in a if name.startswith("on")]
    # An invalid text of the untrained planner, a reason and an instruction of DPO: as text.
    assert sum(HOSTILE in text for text in page.text) >= 3


def test_every_picture_is_described(page):
    pictures = page.all("img")
    assert all(picture["alt"] for picture in pictures)
    # Three sources, and of each all frames but those of two untrained or broken plans at least.
    assert len(pictures) > 3 * 4


def test_every_method_has_its_tab_and_panel(page):
    tabs = [b for b in page.all("button") if b.get("role") == "tab"]
    panels = {s["id"]: s for s in page.all("section") if s.get("role") == "tabpanel"}
    assert len(tabs) == len(panels) == 3 * len(METHODS)
    for button in tabs:
        panel = panels[button["aria-controls"]]
        assert ("hidden" in panel) == (button["aria-selected"] == "false")
        assert panel["aria-labelledby"] == button["id"]
    assert sum("hidden" not in panel for panel in panels.values()) == 3


def test_headings_do_not_skip_a_level(page):
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))


def test_links_within_the_page_lead_somewhere(page):
    names = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    assert {a["href"][1:] for a in page.all("a")} <= names


def test_report_can_be_written_again(workdir):
    first = (workdir / "report/index.html").read_bytes()
    assert write_report(workdir) == workdir / "report/index.html"
    assert (workdir / "report/index.html").read_bytes() == first


def test_both_rewards_are_shown_of_every_method_and_case(page, workdir):
    results = json.loads((workdir / "results.json").read_text())
    shown = [
        *[numbers["held_out_reward"]["mean"] for numbers in results["methods"].values()],
        *[pair["held_out_reward"]["mean"] for pair in results["paired"].values()],
    ]
    text = {words.lstrip("+").replace("\u2212", "-") for words in page.text}
    assert {f"{mean:.2f}" for mean in shown} <= text
    assert {pair["both"] for pair in results["paired"].values()} <= set(page.text)
    assert sum(words.endswith(" held-out") for words in page.text) == 3 * len(METHODS)


def test_confusions_are_those_of_the_results(workdir):
    results = json.loads((workdir / "results.json").read_text())
    page = (workdir / "report/index.html").read_text()
    readers = {n: m["perception"] for n, m in results["methods"].items() if m["perception"]}
    details = re.findall(r'<details class="confusions"( open)?>(.*?)</details>', page)
    assert [bool(opened) for opened, _ in details] == [name == "standard" for name in readers]
    for perception, (_, shown) in zip(readers.values(), details, strict=True):
        dimensions = {n: d for n, d in perception["dimensions"].items() if d["cases"]}
        titles = re.findall(r"<figcaption><b>(.*?)</b>", shown)
        assert titles == [name.replace("_", " ") for name in dimensions] and len(titles) > 2
        tables = re.findall(r'<table class="grid confusion">(.*?)</table>', shown)
        for dimension, table in zip(dimensions.values(), tables, strict=True):
            assert cells_of(table) == {
                (true.replace("unknown", "not set").replace("_", " "), read.replace("_", " ")): n
                for true, row in dimension["confusion"].items()
                for read, n in row.items()
            }
            hits = re.findall(r'<td class="heat hit"[^>]*>(\d*)</td>', table)
            known = dimension["confusion"].get("unknown", {}).get("unknown", 0)
            assert sum(int(hit or 0) for hit in hits) == dimension["right"] + known


def cells_of(table):
    """The counts of a confusion: (heading of the row, heading of the column) -> count."""
    columns = re.findall(r'<th scope="col"><span>(.*?)</span></th>', table)
    rows = re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', table)
    counts = {}
    for head, cells in rows:
        shown = re.findall(r'<td class="heat \w+"[^>]*>(\d*)</td>', cells)
        for read, count in zip(columns, shown, strict=True):
            if count:
                counts[head, read] = int(count)
    return counts


def test_rewards_with_each_reading_stand_side_by_side(page, workdir):
    methods = json.loads((workdir / "results.json").read_text())["methods"]
    spoken = [svg["aria-label"] for svg in page.all("svg") if "aria-label" in svg]
    for numbers in methods.values():
        if numbers["perception"]:
            own, other = numbers["reward"], numbers["shuffled_images"]["reward"]
            told = numbers["perception"]["reward_with_true_context"]
            words = "{:.2f} with its own picture, {:.2f} with another, {:.2f} with the true context"
            said = words.format(own["mean"], other["mean"], told["mean"])
            assert sum(label.endswith(said) for label in spoken) == 1


def test_results_without_the_held_out_reward_are_refused(workdir, tmp_path):
    (tmp_path / "cases.jsonl").write_bytes((workdir / "cases.jsonl").read_bytes())
    for lacking in ("methods", "paired"):
        results = json.loads((workdir / "results.json").read_text())
        for numbers in results[lacking].values():
            del numbers["held_out_reward"]
        (tmp_path / "results.json").write_text(json.dumps(results))
        with pytest.raises(InputError, match="lacks 'held_out_reward'; run evaluate"):
            write_report(tmp_path)
    assert not (tmp_path / "report").exists()


def test_missing_or_broken_files_are_named(workdir, tmp_path):
    with pytest.raises(InputError, match=r"results\.json does not exist; run evaluate"):
        write_report(tmp_path)
    (tmp_path / "results.json").write_text("{")
    with pytest.raises(InputError, match=r"results\.json: not JSON"):
        write_report(tmp_path)
    (tmp_path / "results.json").write_bytes((workdir / "results.json").read_bytes())
    lines = (workdir / "cases.jsonl").read_text().splitlines()
    (tmp_path / "cases.jsonl").write_text(lines[0] + "\n" + lines[1][:50])
    with pytest.raises(InputError, match=r"cases\.jsonl, line 2: not JSON"):
        write_report(tmp_path)
    (tmp_path / "cases.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match="lacks"):
        write_report(tmp_path)


def test_markup_escapes_strings_and_attributes():
    assert tag("p", "<b>&", title='"x"') == '<p title="&quot;x&quot;">&lt;b&gt;&amp;</p>'
    assert tag("p", Markup("<b>x</b>"), [None, "1 < 2"]) == "<p><b>x</b>1 &lt; 2</p>"
    assert tag("input", class_="a", hidden=True, title=None, aria_label="b") == (
        '<input class="a" hidden aria-label="b"></input>'
    )


def test_a_loss_is_shown_like_a_gain():
    loss = {"mean": -0.2, "low": -0.3, "high": -0.1, "verdict": "below, interval excludes 0"}
    page = paired_table(
        {"dpo_minus_standard": {**loss, "held_out_reward": loss, "both": "both fell"}}
    )
    assert "both fell" in page and 'class="verdict below"' in page
    assert page.count("\u22120.20</b>") == 2
