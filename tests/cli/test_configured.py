"""Commands with a config: built-in configs by name, help with every field, near misses."""

import subprocess
import sys
from pathlib import Path

import pytest

import agentic_styling
from agentic_styling.cli.main import main
from agentic_styling.training.config import checked
from agentic_styling.utils.configs import config_path, field_help, load_config
from agentic_styling.utils.errors import InputError

ROOT = Path(__file__).parents[2]


def leaves(config, prefix=""):
    for name, value in config.items():
        yield from leaves(value, f"{prefix}{name}.") if hasattr(value, "items") else [prefix + name]


def refused(capsys, *argv) -> str:
    with pytest.raises(SystemExit) as ended:
        main(list(argv))
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert error.startswith("error: ") and error.count("\n") == 1
    return error


def test_a_built_in_config_is_named_or_given_as_a_file():
    file = str(ROOT / "configs/train.py")
    assert config_path("train") == file
    assert config_path("train:dpo") == f"{file}:dpo"
    assert config_path(f"{file}:dpo") == f"{file}:dpo"
    assert load_config("train:dpo").loss == "dpo"
    assert load_config("train").loss == load_config(file).loss == "standard"
    assert load_config("paper:regular-text-8b-sw").modality == "text"
    with pytest.raises(InputError, match="--config=trian:dpo: no such built-in config; did you"):
        config_path("trian:dpo")
    with pytest.raises(InputError, match="nowhere.py: no such config file"):
        config_path("nowhere.py:dpo")


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_help_prints_every_field_with_a_comment_and_its_default(capsys, command):
    main([command, "--help"])
    shown = capsys.readouterr().out
    text = " ".join(shown.split())
    comments = field_help(ROOT / f"configs/{command}.py")
    fields = [
        name
        for name in leaves(load_config(command))
        if not name.startswith(("loss_kwargs.", "stream.goals.", "methods.", "curves."))
    ]
    assert len(fields) >= 8
    for name in fields:
        assert f"--config.{name} " in shown
        assert comments[name] and comments[name] in text
    assert "--workdir" in shown and "(default: 0)" in text
    main(["train", "--config=paper:simple-text-4b-sw", "-h"])
    assert "(default: 468)" in capsys.readouterr().out


def test_a_comment_stands_at_the_end_of_a_line_or_above_it(tmp_path):
    (tmp_path / "config.py").write_text(
        "def get_config():\n"
        "    config.one = 1  # at the end\n"
        "    # in two\n"
        "    # lines\n"
        "    config.two.three = '#'\n"
        "\n"
        "    config.four = 4\n"
    )
    expected = {"one": "at the end", "two.three": "in two lines", "four": ""}
    assert field_help(tmp_path / "config.py") == expected


def test_fields_are_set_without_naming_a_config(capsys, tmp_path):
    workdir = f"--workdir={tmp_path / 'run'}"
    assert "config.init_from: not set" in refused(capsys, "train", "--config.data=x", workdir)
    assert 'Did you mean "steps"' in refused(capsys, "train", "--config.stepz=3", workdir)
    assert "config.batch_size: missing" in refused(capsys, "train", "--config=evaluate", workdir)
    assert "--workdir is missing" in refused(capsys, "evaluate", "--config.seed", "1")
    assert "'1' is not a flag" in refused(capsys, "evaluate", "--config", "evaluate", "1", workdir)


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_a_workdir_elsewhere_and_an_invalid_seed_are_refused(
    capsys, tmp_path, monkeypatch, command
):
    monkeypatch.chdir(tmp_path)
    said = refused(capsys, command, "--workdir=gs://bucket/run")
    assert "--workdir: 'gs://bucket/run' is not on this machine" in said
    for seed in ("-1", str(1 << 32)):
        said = refused(capsys, command, "--workdir=run", f"--config.seed={seed}")
        assert f"config.seed: {seed}; use a whole number" in said
    assert not list(tmp_path.iterdir())


def test_the_warm_up_follows_the_steps():
    config = load_config("train")
    config.update(data="DATA", init_from="PLANNER")
    for steps, expected in ((500, 20), (80, 20), (40, 10), (6, 1), (2, 0)):
        config.steps = steps
        assert checked(config).warmup_steps == expected
    config.warmup_steps = 1
    assert checked(config).warmup_steps == 1


def test_misspelt_commands_and_options_are_one_line(capsys):
    assert "'stlye' is not a command; did you mean 'style'?" in refused(capsys, "stlye")
    assert "no command is given; use one of style" in refused(capsys)
    assert "unrecognized arguments: --gaol=x" in refused(capsys, "style", "a.png", "--gaol=x")


def test_a_flag_without_a_value_and_cases_that_are_missing_are_said(capsys, tmp_path):
    assert "the last flag has no value" in refused(capsys, "train", "--config.data")
    said = refused(capsys, "evaluate", f"--workdir={tmp_path / 'run'}")
    assert "cases: not given; name the directory of a set" in said
    assert not (tmp_path / "run").exists()


def test_help_and_version_need_no_jax():
    code = (
        "import sys\n"
        "from agentic_styling.cli.main import main\n"
        "try:\n    main(['style', '--help'])\n"
        "except SystemExit:\n    sys.exit('jax' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "(default: styled)" in done.stdout
    command = [sys.executable, "-m", "agentic_styling", "--version"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == f"agentic-styling {agentic_styling.__version__}\n"
