"""The report in a real browser, on a telephone and on a desk."""

import numpy as np
import pytest

from tests.evaluation.annotation.browser import MISSING, Browser
from tests.evaluation.mock_run import mock_evaluation

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))

# Elements of a grid of numbers that reach beyond their scrolling box.
CUT = """
    return [...document.querySelectorAll('.scroll')].filter((e) => e.scrollWidth > e.clientWidth)
      .map((e) => e.innerText.slice(0, 40));"""
# Tick labels that leave the heading of their own column.
OUTSIDE = """
    return [...document.querySelectorAll('.axis span')].filter((e) => {
      const [own, column] = [e, e.closest('th')].map((x) => x.getBoundingClientRect());
      return own.width && (own.left < column.left - 0.5 || own.right > column.right + 0.5);
    }).map((e) => e.innerText);"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    directory = tmp_path_factory.mktemp("evaluated")
    images = np.random.default_rng(0).integers(0, 255, (3, 16, 16, 3), np.uint8)
    with pytest.MonkeyPatch.context() as patch:
        mock_evaluation(patch, directory, images=images, film_strips=2)
    return (directory / "report/index.html").as_uri()


def test_nothing_is_cut_on_either_width(report):
    browser = Browser()
    try:
        for width in (390, 1280):
            browser.resize(width, 844)
            browser.open(report)
            wide = (
                "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert browser.run(wide) <= 0
            assert browser.run(CUT) == []
            assert browser.run(OUTSIDE) == []
    finally:
        browser.close()
