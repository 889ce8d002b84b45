"""Write an HTML gallery of every option of every parameter on several photographs.

    python experiments/gallery.py [PHOTO...] --out gallery

PHOTO: files or folders; by default, photographs from scikit-image and scikit-learn. `--docs
docs/tools.md` also measures every option and updates the tables of that page.
"""

import argparse
import sys
from pathlib import Path

import jax
import numpy as np
from gallery_parts import documents, independence, pages
from gallery_parts.demonstrations import Row, Section, sections
from gallery_parts.photographs import read_photographs
from gallery_parts.sheet import contact_sheet
from tqdm import tqdm

from agentic_styling.cli.command import one_line_errors, path
from agentic_styling.tools import VOCABULARY, encode_plans, execute
from agentic_styling.utils.errors import InputError


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photos", nargs="*", metavar="PHOTO", help="files or folders")
    parser.add_argument("--out", required=True, type=path, help="folder to write to")
    parser.add_argument("--only", metavar="TOOL[.PARAMETER]", help="only this tool or parameter")
    parser.add_argument("--size", type=int, default=320, help="longer side of a picture, in pixels")
    parser.add_argument("--columns", type=int, default=6, help="how many photographs")
    parser.add_argument("--sheet", action="store_true", help="also write one PNG per parameter")
    parser.add_argument("--docs", type=path, help="a page of the docs to update with the tables")
    args = parser.parse_args(argv)
    for name, least in (("size", 16), ("columns", 1)):
        if getattr(args, name) < least:
            raise InputError(f"--{name}: {getattr(args, name)} is too small; at least {least}")
    if args.docs and args.only:
        raise InputError("--docs: the tables need every dimension; leave --only out")
    return args


class Gallery:
    """Renders, measures and writes one section after another."""

    def __init__(self, out: Path, names: list[str], photographs: list[np.ndarray], sheet: bool):
        self.out, self.names, self.photographs, self.sheet = out, names, photographs, sheet
        self.before = independence.measure(photographs)
        out.mkdir(parents=True, exist_ok=True)
        pages.write_assets(out)
        self.sources = pages.write_pictures(out, "photographs", 0, _to_bytes(photographs))
        self.measurements = independence.Measurements()
        self.covers = {}

    def add(self, section: Section, progress: tqdm) -> str:
        """Renders one parameter and returns its part of the page."""
        rendered, rows, measured = [], [], []
        for i, row in enumerate(section.rows):
            pictures = self._render(row)
            measured.append(independence.measure(pictures))
            rows.append(_to_bytes(pictures))
            folder = f"{section.tool}/{section.parameter}"
            rendered.append((row.label, pages.write_pictures(self.out, folder, i, rows[-1])))
            progress.update()
        if self.sheet:
            labels = ["photograph", *(row.label for row in section.rows)]
            sheet = contact_sheet(labels, [_to_bytes(self.photographs), *rows])
            sheet.save(self.out / f"{section.name}.png")
        self.measurements.add(section, self.before, measured)
        if section.tool not in self.covers:
            label, paths = rendered[len(rendered) // 2 if section.kind == "target" else -1]
            self.covers[section.tool] = (label, paths[2 % len(paths)])
        photographs = pages.Photographs(
            self.names, self.sources, [picture.shape[:2] for picture in self.photographs]
        )
        return pages.section_html(section, rendered, photographs, self.measurements)

    def _render(self, row: Row) -> list[np.ndarray]:
        """The row's plan on every photograph, in one batch per shape; every row has equal seeds."""
        results: list = [None] * len(self.photographs)
        for shape in dict.fromkeys(picture.shape for picture in self.photographs):
            members = [i for i, picture in enumerate(self.photographs) if picture.shape == shape]
            batch = np.stack([self.photographs[i] for i in members])
            plans = encode_plans([row.plan] * len(members))
            edited = np.asarray(execute(batch, plans, jax.random.key(0)))
            for i, picture in zip(members, edited, strict=True):
                results[i] = picture
        return results


def _to_bytes(pictures: list[np.ndarray]) -> list[np.ndarray]:
    return [(np.clip(picture, 0, 1) * 255).round().astype(np.uint8) for picture in pictures]


@one_line_errors
def main(argv: list[str] | None = None) -> None:
    """Render, measure and write the gallery."""
    args = _arguments(sys.argv[1:] if argv is None else argv)
    chosen = sections(args.only)
    names, photographs = read_photographs(args.photos, args.columns, args.size)
    gallery = Gallery(args.out, names, photographs, args.sheet)
    tools = [tool for tool in VOCABULARY if any(s.tool == tool for s in chosen)]
    total = sum(len(section.rows) for section in chosen)
    with tqdm(total=total, unit="row", smoothing=0.05) as progress:
        for tool in tools:
            progress.set_description(tool)
            body = {s.parameter: gallery.add(s, progress) for s in chosen if s.tool == tool}
            pages.write_tool(args.out, tool, tools, body, gallery.measurements)
    pages.write_index(args.out, tools, gallery.covers, gallery.measurements)
    if args.docs:
        documents.write_tables(args.docs, gallery.measurements, names, args.size)
    print(args.out / "index.html")


if __name__ == "__main__":
    main()
