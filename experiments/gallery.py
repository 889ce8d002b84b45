"""Every option of every parameter on several photographs: an HTML gallery to look through.

    python experiments/gallery.py [PHOTO...] --out gallery

PHOTO: files or folders; without any, photographs that scikit-image and scikit-learn bring along.
"""

import argparse
import sys
from pathlib import Path

import jax
import numpy as np
from gallery_parts import documents, independence, pages
from gallery_parts.demonstrations import Row, Section, sections
from gallery_parts.photographs import square_photographs
from gallery_parts.sheet import contact_sheet
from tqdm import tqdm

from agentic_styling.tools import VOCABULARY, encode_plans, execute
from agentic_styling.utils.errors import InputError, one_line_errors


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photos", nargs="*", metavar="PHOTO", help="files or folders")
    parser.add_argument("--out", required=True, type=Path, help="folder to write to")
    parser.add_argument("--only", metavar="TOOL[.PARAMETER]", help="a part, for a quick look")
    parser.add_argument("--size", type=int, default=320, help="side of a picture, in pixels")
    parser.add_argument("--columns", type=int, default=6, help="how many photographs")
    parser.add_argument("--sheet", action="store_true", help="also one PNG per parameter")
    parser.add_argument("--docs", type=Path, help="a page to write the measured tables into")
    args = parser.parse_args(argv)
    for name, least in (("size", 16), ("columns", 1)):
        if getattr(args, name) < least:
            raise InputError(f"--{name}: {getattr(args, name)} is too small; at least {least}")
    if args.docs and args.only:
        raise InputError("--docs: the tables need every dimension; leave --only out")
    return args


class Gallery:
    """Renders, measures and writes section after section."""

    def __init__(self, out: Path, names: list[str], photographs: np.ndarray, sheet: bool):
        self.out, self.names, self.photographs, self.sheet = out, names, photographs, sheet
        self.side = photographs.shape[1]
        self.before = independence.measure(photographs)
        out.mkdir(parents=True, exist_ok=True)
        pages.write_assets(out)
        self.sources = pages.write_pictures(out, "photographs", 0, _to_bytes(photographs))
        self.found = independence.Found()
        self.covers = {}

    def add(self, section: Section, progress: tqdm) -> str:
        """Render one parameter; returns its part of the page."""
        rendered, bytes_of, measured = [], [], []
        for i, row in enumerate(section.rows):
            pictures = self._render(row)
            measured.append(independence.measure(pictures))
            bytes_of.append(_to_bytes(pictures))
            folder = f"{section.tool}/{section.parameter}"
            rendered.append((row.label, pages.write_pictures(self.out, folder, i, bytes_of[-1])))
            progress.update()
        if self.sheet:
            labels = ["photograph", *(row.label for row in section.rows)]
            sheet = contact_sheet(labels, [_to_bytes(self.photographs), *bytes_of])
            sheet.save(self.out / f"{section.name}.png")
        self.found.add(section, self.before, measured)
        if section.tool not in self.covers:
            label, paths = rendered[len(rendered) // 2 if section.kind == "target" else -1]
            self.covers[section.tool] = (label, paths[2 % len(paths)])
        return pages.section_html(
            section, rendered, self.sources, self.names, self.side, self.found
        )

    def _render(self, row: Row) -> np.ndarray:
        """The row's plan on every photograph [P, S, S, 3]; the same seeds in every row."""
        plans = encode_plans([row.plan] * len(self.photographs))
        return np.asarray(execute(self.photographs, plans, jax.random.key(0)))


def _to_bytes(images: np.ndarray) -> np.ndarray:
    return (np.clip(images, 0, 1) * 255).round().astype(np.uint8)


@one_line_errors
def main(argv: list[str] | None = None) -> None:
    """Render, measure, write."""
    args = _arguments(sys.argv[1:] if argv is None else argv)
    chosen = sections(args.only)
    names, photographs = square_photographs(args.photos, args.columns, args.size)
    gallery = Gallery(args.out, names, photographs, args.sheet)
    tools = [tool for tool in VOCABULARY if any(s.tool == tool for s in chosen)]
    total = sum(len(section.rows) for section in chosen)
    with tqdm(total=total, unit="row", smoothing=0.05) as progress:
        for tool in tools:
            progress.set_description(tool)
            body = {s.parameter: gallery.add(s, progress) for s in chosen if s.tool == tool}
            pages.write_tool(args.out, tool, tools, body, gallery.found)
    pages.write_index(args.out, tools, gallery.covers, gallery.found)
    if args.docs:
        documents.write_tables(args.docs, gallery.found, names, args.size)
    print(args.out / "index.html")


if __name__ == "__main__":
    main()
