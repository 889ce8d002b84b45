"""The gallery as HTML: an index, a page for each tool, JPEG files beside them."""

import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from agentic_styling.evaluation.report.markup import Markup, tag
from agentic_styling.rewards.attributes import ATTRIBUTES
from agentic_styling.tools import DIMENSIONS
from gallery_parts.independence import (
    BETWEEN,
    OWN,
    OWN_MASK,
    Alike,
    Measurements,
    Movement,
    between_dimensions,
)

_HERE = Path(__file__).parent
_ASSETS = ("gallery.css", "gallery.js")
# Below the name of each option of a dimension stand two numbers.
_OWN_AND_OTHER = (
    "Own and other: how far the option moves the photographs along the attributes that its "
    "dimension is meant to change, and along all others. The unit is the smallest visible step."
)


class Photographs(NamedTuple):
    """The photographs across a page: names, JPEG paths, and (height, width)."""

    names: list[str]
    paths: list[str]
    shapes: list[tuple[int, int]]

    def columns(self) -> str:
        """CSS widths at which all pictures of a row are equally high."""
        ratios = [width / height for height, width in self.shapes]
        return " ".join(f"minmax({100 * ratio:.0f}px, {ratio:.3f}fr)" for ratio in ratios)


def write_assets(out: Path) -> None:
    """Copies the style sheet and the script of the pages."""
    for name in _ASSETS:
        shutil.copyfile(_HERE / name, out / name)


def write_pictures(out: Path, folder: str, row: int, pictures: list[np.ndarray]) -> list[str]:
    """Writes pictures uint8 [H, W, 3] as JPEG; returns their paths within `out`."""
    directory = out / "pictures" / folder
    directory.mkdir(parents=True, exist_ok=True)
    for k, picture in enumerate(pictures):
        Image.fromarray(picture).save(directory / f"{row:02d}_{k}.jpg", quality=90)
    return [f"pictures/{folder}/{row:02d}_{k}.jpg" for k in range(len(pictures))]


def words(name: str) -> str:
    """A name of the vocabulary with spaces for underscores."""
    return name.replace("_", " ")


def _page(title: str, *content: object) -> str:
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("link", rel="stylesheet", href="gallery.css"),
        tag("script", defer=True, src="gallery.js"),
    )
    return "<!doctype html>\n" + tag("html", head, tag("body", *content), lang="en")


def _navigation(tools: list[str], here: str | None) -> Markup:
    links = [tag("a", "all", href="index.html", aria_current="page" if here is None else None)]
    for tool in tools:
        current = "page" if tool == here else None
        links.append(tag("a", words(tool), href=f"{tool}.html", aria_current=current))
    return tag("nav", *links)


def _grid_row(label: object, paths: list[str], name: str, photographs: Photographs) -> Markup:
    pictures = []
    for path, photo, source, (height, width) in zip(paths, *photographs, strict=True):
        caption = f"{name}, {photo}"
        image = tag("img", src=path, alt=caption, loading="lazy", width=width, height=height)
        attributes = {"class_": "picture", "data_source": source, "title": caption}
        pictures.append(tag("a", image, href=path, **attributes))
    return tag("div", tag("div", label, class_="label"), *pictures, class_="row")


def _label(row_label: str, movement: Movement | None) -> list[Markup]:
    name = tag("b", words(row_label))
    if movement is None:
        return [name]
    return [name, tag("small", f"own\u00a0{movement.own:.1f}, other\u00a0{movement.other:.1f}")]


def section_html(
    section, rendered: list[tuple], photographs: Photographs, measured: Measurements
) -> Markup:
    """One parameter: the photographs, then for each value a row of `rendered`, (label, paths)."""
    rows = [_grid_row(tag("small", "photograph"), photographs.paths, "photograph", photographs)]
    moved = measured.moved.get(section.tool, {}) if section.kind == "target" else {}
    for label, paths in rendered:
        caption = f"{words(section.parameter)}: {words(label)}"
        rows.append(_grid_row(_label(label, moved.get(label)), paths, caption, photographs))
    close = [tag("li", alike_words(group)) for group in measured.alike.get(section.name, [])]
    return tag(
        "section",
        tag("h2", words(section.parameter)),
        tag("p", words(section.note), class_="note") if section.note else None,
        tag("p", _OWN_AND_OTHER, class_="note") if moved else None,
        tag("div", *rows, class_="grid", style=f"--columns: {photographs.columns()}"),
        [tag("p", "Values that look alike:", class_="note"), tag("ol", *close)] if close else None,
        id=section.parameter,
    )


def alike_words(group: Alike) -> str:
    """Values that look alike, in words."""
    apart = f"{group.apart:.2f} of a step apart" if group.apart else "the same"
    return f"{', '.join(map(words, group.values))}: {apart}"


def write_tool(
    out: Path, tool: str, tools: list[str], body: dict[str, Markup], measured: Measurements
) -> None:
    """Writes the page of one tool; body: its sections by parameter."""
    lead = heat = None
    if tool in OWN:
        own, reason = OWN[tool]
        names = ", ".join(words(name) for name in own)
        lead = tag("p", f"{reason}. Meant to move: {names}.", class_="lead")
    if tool in measured.moved:
        heat = _options_heat(tool, measured.moved[tool])
    parameters = [tag("a", words(name), href=f"#{name}") for name in body]
    if heat:
        parameters.append(tag("a", "what each option moves", href="#moves"))
    inside = tag("nav", *parameters)
    header = tag("header", _navigation(tools, tool), tag("h1", words(tool)), lead, inside)
    text = _page(words(tool), header, tag("main", *body.values(), heat))
    (out / f"{tool}.html").write_text(text, encoding="utf-8")


def _heat_cell(value: float, own: bool, most: float = 6.0) -> Markup:
    strength = min(abs(value) / most, 1.0)
    side = "up" if value > 0 else "down"
    shown = f"{value:.1f}" if abs(value) >= 0.5 else ""
    return tag("td", shown, class_=f"{side}{' own' if own else ''}", style=f"--v: {strength:.2f}")


def _heat_table(names: list, rows: dict[str, list[Markup]]) -> Markup:
    head = [tag("th", tag("span", words(name)), title=title) for name, title in names]
    body = [tag("tr", tag("th", words(label)), *cells) for label, cells in rows.items()]
    table = tag("table", tag("thead", tag("tr", tag("th"), *head)), tag("tbody", *body))
    return tag("div", table, class_="heat")


def _options_heat(tool: str, moved: dict[str, Movement]) -> Markup:
    own = OWN_MASK[tool]
    order = [*np.flatnonzero(own), *np.flatnonzero(~own)]
    attributes = list(ATTRIBUTES.items())
    names = [(attributes[k][0], attributes[k][1].meaning) for k in order]
    rows = {label: [_heat_cell(m.mean[k], own[k]) for k in order] for label, m in moved.items()}
    note = "Mean over the photographs, in visible steps. The dimension's own attributes are framed."
    return tag(
        "section",
        tag("h2", "What each option moves"),
        tag("p", note, class_="note"),
        _heat_table(names, rows),
        id="moves",
    )


def _independence(measured: Measurements) -> Markup:
    values = between_dimensions(measured.moved)
    rows = {
        row: [_heat_cell(v, i == j) for j, v in enumerate(values[i])]
        for i, row in enumerate(DIMENSIONS)
        if row in measured.moved
    }
    return tag(
        "section",
        tag("h2", "Independence"),
        tag("p", BETWEEN, class_="note"),
        _heat_table([(name, OWN[name][1]) for name in DIMENSIONS], rows),
    )


def _list(title: str, note: str, lines: list[str]) -> Markup:
    items = tag("ol", *(tag("li", line) for line in lines)) if lines else tag("p", "None.")
    return tag("section", tag("h2", title), tag("p", note, class_="note"), items)


def _lists(measured: Measurements) -> list[Markup]:
    idle = [
        f"{words(tool)}: {words(option)}, {m.visible:.2f}" for tool, option, m in measured.idle()
    ]
    alike = [
        f"{words(name)}: {alike_words(group)}"
        for name, groups in measured.alike.items()
        for group in groups
    ]
    offenders = [
        f"{words(tool)}: {words(option)}, {words(m.foreign)} {m.foreign_steps:+.1f} "
        f"(own {m.own:.1f}, other {m.other:.1f})"
        for tool, option, m in measured.offenders()[:30]
    ]
    return [
        _list(
            "Furthest outside their dimension",
            f"The attribute moved most. {_OWN_AND_OTHER}",
            offenders,
        ),
        _list("Hardly visible", "Less than one visible step from the photograph.", idle),
        _list("Values that look alike", "Less than one visible step apart.", alike),
    ]


def write_index(out: Path, tools: list[str], covers: dict, measured: Measurements) -> None:
    """Writes the first page: tiles (covers: tool -> caption and picture) and the measurements."""
    tiles = [
        tag(
            "a",
            tag("img", src=covers[tool][1], alt="", loading="lazy"),
            tag("b", words(tool)),
            tag("small", words(covers[tool][0])),
            href=f"{tool}.html",
        )
        for tool in tools
    ]
    measured = [_independence(measured), *_lists(measured)] if measured.moved else []
    header = tag("header", _navigation(tools, None), tag("h1", "The styling tools"))
    main = tag("main", tag("div", *tiles, class_="tiles"), *measured)
    (out / "index.html").write_text(_page("Gallery", header, main), encoding="utf-8")
