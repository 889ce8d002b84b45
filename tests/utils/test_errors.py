"""Errors that users see are one line with a suggested fix, and end scripts with a status."""

import pytest

from agentic_styling.utils.errors import PREEMPTED, InputError, Preempted, nearest, one_line_errors


def test_nearest_names_the_closest_or_lists_all():
    assert nearest("nite_moonlit", ["night_moonlit", "dusk"]) == "did you mean 'night_moonlit'?"
    assert nearest("zzz", ["night_moonlit", "dusk"]) == "use one of night_moonlit, dusk"
    assert nearest(7, ["a", "b"]) == "use one of a, b"


def test_input_errors_end_a_script_with_one_line_and_status_2(capsys):
    @one_line_errors
    def main(value):
        if value < 0:
            raise InputError(f"value {value} is negative; give one from 0")
        return value

    assert main(3) == 3
    with pytest.raises(SystemExit) as ended:
        main(-1)
    assert ended.value.code == 2
    assert capsys.readouterr().err == "error: value -1 is negative; give one from 0\n"


def test_a_preempted_script_ends_with_the_status_that_launchers_restart_on(capsys):
    @one_line_errors
    def main():
        raise Preempted("saved after step 3")

    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == PREEMPTED == 75
    assert capsys.readouterr().err == "saved after step 3\n"


def test_other_errors_keep_their_traceback():
    @one_line_errors
    def main():
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        main()
