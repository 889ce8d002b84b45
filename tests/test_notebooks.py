"""Every notebook runs from top to bottom."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.slow
NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
# A line that follows the cell with the tag "parameters".
SMALLER = {"ablate": "CONTEXTS, CASES, SIZE, UPDATES, ROWS = 8, 4, 64, 2, 4"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path):
    notebook = nbformat.read(path, as_version=4)
    if path.stem in SMALLER:
        tags = [cell.metadata.get("tags", []) for cell in notebook.cells]
        (place,) = (i for i, own in enumerate(tags) if "parameters" in own)
        notebook.cells.insert(place + 1, nbformat.v4.new_code_cell(SMALLER[path.stem]))
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
