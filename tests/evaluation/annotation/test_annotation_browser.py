"""The page in a real browser: keys, saving, resuming, orders, with and without a server."""

import json
import threading

import pytest

from agentic_styling.evaluation.annotation import AnnotationServer, agreement, page
from tests.evaluation.annotation.annotated import darker, write_dataset
from tests.evaluation.annotation.browser import MISSING, Browser

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))

TEXTS = "return [...document.querySelectorAll(arguments[0])].map((e) => e.innerText)"
# The tasks in the order in which the page shows them.
ORDER = "return tasks.map((task) => `${task.kind} ${task.subject}`)"


@pytest.fixture(scope="module")
def browser():
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    directory = tmp_path_factory.mktemp("annotation")
    dataset = write_dataset(directory / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page, "execute", darker)
        shown = page.write_page(dataset, directory / "page")
    return dataset, directory / "page", shown


@pytest.fixture
def served(written):
    dataset, out, shown = written
    server = AnnotationServer(out, *shown)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def enter(browser, url, name):
    # Cleared from another address, since the page might still be writing.
    browser.open(url.removesuffix("index.html") + "page.json")
    browser.run("sessionStorage.clear(); localStorage.clear()")
    browser.open(url)
    browser.click("#name")
    browser.press(*name, "enter")
    browser.wait("!document.getElementById('bar').hidden")


def saved(browser):
    browser.wait("unsaved.length === 0 && !sending")


def lines(out, name):
    return [json.loads(line) for line in (out / f"answers/{name}.jsonl").read_text().splitlines()]


def test_a_context_by_keys_alone_is_saved_and_resumed(browser, served, written):
    dataset, out, _ = written
    enter(browser, served.url, "ann")
    order = browser.run(ORDER)
    assert len(order) == 8
    assert [task.split()[0] for task in order] == (["verdict"] * 3 + ["ranking"]) * 2
    assert browser.text("#count") == "0 of 8"
    browser.press("p", "f", "p")
    assert "Put the 3 edits in order" in browser.text("#kicker")
    browser.press("2", "=", "3", "1")
    saved(browser)
    rows = lines(out, "ann")
    assert [row.get("verdict") for row in rows] == ["pass", "fail", "pass", None]
    assert [f"verdict {row['id']}" for row in rows[:3]] == order[:3]
    first, second, third = (task.split()[1] for task in order[:3])
    assert rows[3]["ranks"] == {first: 3, second: 1, third: 1}
    assert browser.text("#count") == "4 of 8"
    # Undone, and answered differently.
    browser.press("u", "1", "u", "3", "2", "1", "left", "left", "f")
    saved(browser)
    assert [row.get("ranks") for row in lines(out, "ann")[4:6]] == [
        None,
        {first: 3, second: 2, third: 1},
    ]
    assert browser.text("#count") == "4 of 8"
    # A reopened page continues at the first open question.
    browser.open(served.url)
    browser.wait("!document.getElementById('bar').hidden")
    assert browser.run("return at") == 4
    browser.press("left")
    assert browser.run(TEXTS, ".place") == ["3rd", "2nd", "1st"]
    measures = agreement(dataset, [out])
    assert measures["pass_rate"].count == 3
    assert measures["pass_rate"].interval.mean == pytest.approx(1 / 3)


def test_annotators_see_the_same_in_orders_of_their_own(browser, served):
    orders = {}
    for name in ("bob", "cyd", "dee", "eve", "bob"):
        enter(browser, served.url, name)
        order = browser.run(ORDER)
        assert orders.setdefault(name, order) == order
    assert len({tuple(sorted(order)) for order in orders.values()}) == 1
    assert len({tuple(order) for order in orders.values()}) > 1


def test_an_answer_that_is_not_saved_is_reported_and_sent_again(browser, served, written):
    enter(browser, served.url, "fay")
    browser.run("window.real = fetch; window.fetch = async () => { throw new Error('gone'); }")
    browser.press("p", "f")
    browser.wait("!document.getElementById('alert').hidden")
    assert "not saved (gone)" in browser.text("#alert")
    browser.run("window.fetch = window.real; send()")
    saved(browser)
    assert [row["verdict"] for row in lines(written[1], "fay")] == ["pass", "fail"]
    assert browser.run("return document.getElementById('alert').hidden")


def test_without_a_server_answers_stay_and_are_downloaded(browser, written):
    dataset, out, _ = written
    url = (out / "index.html").as_uri()
    enter(browser, url, "gil")
    assert browser.run("return [...document.images].every((i) => i.complete && i.naturalWidth)")
    browser.press("p", "p", "f")
    browser.open(url)  # the session goes on
    browser.wait("!document.getElementById('bar').hidden")
    browser.press("1", "2", "3", "f", "f", "f", "3", "2", "1")
    assert browser.text("#ended") == "All done, thank you"
    browser.devtools("Browser.setDownloadBehavior", {"behavior": "deny"})
    browser.run("""
        const made = URL.createObjectURL;
        URL.createObjectURL = (blob) => {
          blob.text().then((text) => { window.taken = text; });
          return made(blob);
        };""")
    browser.click("#take")
    browser.wait("window.taken")
    path = out.parent / "gil.jsonl"
    path.write_text(browser.run("return window.taken"))
    measures = agreement(dataset, [path])
    assert (measures["pass_rate"].count, measures["judge_top_2"].count) == (6, 2)


def test_every_control_has_a_name_and_help_opens_by_key(browser, served):
    enter(browser, served.url, "hal")
    browser.press("?")
    assert browser.run("return document.getElementById('help').open")
    browser.press("p")  # answers nothing meanwhile
    browser.press("escape")
    assert browser.text("#count") == "0 of 8"
    browser.press("right", "right", "right")
    nameless = browser.run("""
        const shown = (e) => e.offsetParent !== null;
        return [...document.querySelectorAll("button, input, progress")].filter(shown)
          .filter((e) => !(e.ariaLabel || e.innerText || (e.labels && e.labels.length)))
          .map((e) => e.outerHTML);""")
    assert nameless == []
    assert browser.run("return document.activeElement.id") == "goal"


@pytest.mark.parametrize("dark", [False, True])
def test_text_has_enough_contrast(browser, served, dark):
    """At least 4.5 to 1 in both colour schemes, as WCAG requires."""
    browser.dark(dark)
    enter(browser, served.url, "ian")
    least = browser.run("""
        const light = (colour) => {
          const [r, g, b] = colour.match(/[\\d.]+/g).map((v) => v / 255)
            .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const ground = (e) => {
          const colour = getComputedStyle(e).backgroundColor;
          return colour === "rgba(0, 0, 0, 0)" ? ground(e.parentElement) : colour;
        };
        const found = [...document.querySelectorAll("main p, main h1, button:enabled, small, b")]
          .filter((e) => e.offsetParent !== null && e.innerText)
          .map((e) => {
            const [a, b] = [light(getComputedStyle(e).color), light(ground(e))];
            return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
          });
        return [Math.min(...found), found.length];""")
    browser.dark(False)
    assert least[0] >= 4.5
    assert least[1] > 10


def test_a_narrow_window_does_not_scroll_sideways(browser, served):
    browser.resize(360, 740)
    try:
        enter(browser, served.url, "joy")
        for _ in range(4):
            wide = browser.run("return document.documentElement.scrollWidth")
            assert wide <= 360
            browser.press("right")
    finally:
        browser.devtools("Emulation.clearDeviceMetricsOverride", {})


def test_on_a_phone_the_question_of_a_ranking_is_one_line(browser, served):
    browser.resize(390, 844)
    try:
        enter(browser, served.url, "kim")
        browser.press("right", "right", "right", "2", "=")
        assert browser.text("#order") == "Which is tied with the 1st?"
        tall = """const style = getComputedStyle(arguments[0]);
            return arguments[0].clientHeight / parseFloat(style.lineHeight);"""
        order = browser.run("return document.getElementById('order')")
        assert browser.run(tall, order) < 1.5
    finally:
        browser.devtools("Emulation.clearDeviceMetricsOverride", {})
