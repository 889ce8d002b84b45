"""Colour science reads the .cube files that are written."""

import numpy as np
import pytest

from agentic_styling.tools.executor.cube import write_cube

pytestmark = pytest.mark.parity
colour = pytest.importorskip("colour", reason="colour-science is missing: the extra parity")


def test_colour_science_reads_a_cube(tmp_path):
    table = np.random.default_rng(1).random((5, 5, 5, 3)).astype(np.float32)
    write_cube(tmp_path / "ours.cube", table, "a look")
    read = colour.io.read_LUT_IridasCube(str(tmp_path / "ours.cube"))
    np.testing.assert_allclose(read.table, table, atol=1e-6)
    np.testing.assert_allclose(read.domain, [[0] * 3, [1] * 3])
