"""Meshes over the eight fake devices."""

import pytest

from agentic_styling.training.mesh import make_mesh, start_distributed
from agentic_styling.utils.errors import InputError


def test_one_axis_takes_the_devices_that_are_left():
    assert dict(make_mesh({"data": -1, "fsdp": 2, "tensor": 2}).shape) == {
        "data": 2,
        "fsdp": 2,
        "context": 1,
        "tensor": 2,
    }
    assert make_mesh({"data": 1, "fsdp": 1, "tensor": 1}).size == 1


@pytest.mark.parametrize("sizes", [(-1, -1, 1), (-1, 3, 1), (16, 1, 1), (0, 1, 1), (-2, 1, 1)])
def test_sizes_that_do_not_fit_are_refused(sizes):
    with pytest.raises(InputError, match="mesh data="):
        make_mesh(dict(zip(("data", "fsdp", "tensor"), sizes, strict=True)))


def test_an_unknown_axis_is_refused():
    with pytest.raises(InputError, match=r"config.mesh.tensr: not an axis; use data, fsdp"):
        make_mesh({"data": 1, "tensr": 2})


@pytest.mark.parametrize("given", [("host:1234", None, None), (None, 2, 0), (None, None, 0)])
def test_hosts_are_named_whole_or_not_at_all(given):
    with pytest.raises(InputError, match="--coordinator, --processes and --process go together"):
        start_distributed(*given)
