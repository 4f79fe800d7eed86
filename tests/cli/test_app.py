import subprocess
import sys

import pytest

from hmlm.cli import main

HEAVY = ("jax", "pandas", "numpy", "xarray", "hmlm.api")
PROBE = f"import sys, hmlm.cli; print([name for name in {HEAVY!r} if name in sys.modules])"


def test_starting_imports_nothing_heavy():
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_lists_the_commands(capsys):
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(command in printed for command in ("demo", "fit", "summary", "diagnose", "report", "doctor"))


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (["fit", "model.yaml"], "--data"),
        (["fitt"], "fitt"),
        (["demo", "--people", "many"], "people"),
    ],
)
def test_usage_errors_end_with_status_2(tokens, message, capsys):
    assert main(tokens) == 2
    assert message in capsys.readouterr().err


def test_errors_about_input_are_one_sentence_on_stderr(tmp_path, capsys):
    output = tmp_path / "fit.nc"
    model = tmp_path / "model.yaml"
    assert main(["fit", str(model), "--data", "d.csv", "-o", str(output)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == f"hmlm: cannot read {model}: No such file or directory\n"


def test_errors_of_ours_keep_their_traceback(monkeypatch):
    def broken(path):
        raise ValueError("a bug")

    monkeypatch.setattr("hmlm.cli.model_file.read_model_file", broken)
    with pytest.raises(ValueError, match="a bug"):
        main(["fit", "model.yaml", "--data", "d.csv", "-o", "fit.nc"])
