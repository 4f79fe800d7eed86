import pytest

import hmlm as hm
from hmlm.cli import main
from hmlm.cli.fit import formula_of, read_table
from hmlm.cli.model_file import ModelFile
from hmlm.datasets import simulate_cafes
from hmlm.types import DataError, FormulaError

MODEL = """
formula: "wait ~ afternoon + (1 | cafe)"
center: false
prior:
  - {prior: "exponential(1)", class: sd}
sampling: {chains: 2, warmup: 50, draws: 70, seed: 1}
"""


@pytest.fixture
def files(tmp_path):
    """model.yaml, d.csv and the place for fit.nc, as text."""
    (tmp_path / "model.yaml").write_text(MODEL)
    simulate_cafes(1, n_cafes=6, n_visits=8).to_csv(tmp_path / "d.csv", index=False)
    return [str(tmp_path / name) for name in ("model.yaml", "d.csv", "fit.nc")]


def test_formulas_are_those_of_the_python_interface():
    one = ModelFile(formulas=("y ~ x + (1 |c| id)",), dpars=({"sigma": "~ x + (1 |c| id)"},), center=False)
    assert formula_of(one) == hm.bf("y ~ x + (1 |c| id)", sigma="~ x + (1 |c| id)", center=False)
    two = ModelFile(formulas=("a ~ 1", "b ~ x"), dpars=({}, {}), rescor=True)
    assert formula_of(two) == hm.bf("a ~ 1") + hm.bf("b ~ x") + hm.set_rescor(True)


def test_a_parameter_that_is_none_is_an_error():
    with pytest.raises(FormulaError, match="center"):
        formula_of(ModelFile(formulas=("y ~ x",), dpars=({"center": "~ x"},)))


def test_a_wrong_prior_is_an_error_without_a_traceback(files, tmp_path, capsys):
    model, data, output = files
    (tmp_path / "model.yaml").write_text(MODEL.replace("class: sd", "clas: sd"))
    assert main(["fit", model, "--data", data, "-o", output]) == 2
    assert "clas" in capsys.readouterr().err


def test_a_table_that_is_missing_or_unreadable_is_an_error(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        read_table(tmp_path / "d.csv")
    (tmp_path / "d.parquet").write_bytes(b"not parquet")
    with pytest.raises(DataError, match="cannot read"):
        read_table(tmp_path / "d.parquet")


def test_empty_csv_is_an_error(tmp_path):
    (tmp_path / "d.csv").write_text("")
    with pytest.raises(DataError, match="cannot read"):
        read_table(tmp_path / "d.csv")


def test_an_output_that_cannot_be_written_is_told_before_fitting(files, tmp_path, capsys):
    model, data, _ = files
    assert main(["fit", model, "--data", data, "-o", str(tmp_path / "nowhere" / "fit.nc")]) == 2
    assert "--output: there is no folder" in capsys.readouterr().err
    assert main(["fit", model, "--data", data, "-o", str(tmp_path)]) == 2
    assert "is a folder; name a file" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore::hmlm.types.SamplingWarning")
def test_fit_saves_what_summary_prints(files, capsys):
    model, data, output = files
    assert main(["fit", model, "--data", data, "-o", output, "--draws", "50"]) == 0
    printed = capsys.readouterr().out
    assert "wait ~ afternoon + (1 | cafe)" in printed
    assert "total post-warmup draws = 100" in printed
    assert f"Saved as {output}." in printed

    assert (
        main(["fit", model, "--data", data, "-o", output, "--draws", "50", "--file-refit", "on_change"]) == 0
    )
    again = capsys.readouterr()
    assert again.out == printed and f"read {output} instead of sampling" in again.err

    assert main(["summary", output]) == 0
    assert "sd(Intercept)" in capsys.readouterr().out
    assert main(["summary", output, "--prob", "0.9", "--effects"]) == 0
    printed = capsys.readouterr().out
    assert "l-90% CI" in printed
    assert "~cafe" in printed


def test_summary_of_a_missing_file_is_an_error(tmp_path, capsys):
    assert main(["summary", str(tmp_path / "fit.nc")]) == 2
    assert "fit.nc" in capsys.readouterr().err


def test_an_approximation_of_the_command_line_leaves_the_files_chains_alone(files, capsys):
    model, data, output = files
    assert main(["fit", model, "--data", data, "-o", output, "--algorithm", "laplace"]) == 0
    assert "Draws: Laplace, 70 independent draws" in capsys.readouterr().out
    assert hm.load_fit(output).info.algorithm == "Laplace"


def test_an_approximation_of_the_file_and_the_one_it_means(files, tmp_path, capsys):
    model, data, output = files
    text = MODEL.replace("{chains: 2, warmup: 50, draws: 70, seed: 1}", "{algorithm: laplas, draws: 60}")
    (tmp_path / "model.yaml").write_text(text)
    assert main(["fit", model, "--data", data, "-o", output]) == 2
    assert "did you mean 'laplace'" in capsys.readouterr().err
    (tmp_path / "model.yaml").write_text(text.replace("laplas", "laplace, resample: false"))
    assert main(["fit", model, "--data", data, "-o", output]) == 0
    assert "as they were drawn" in " ".join(capsys.readouterr().out.split())


@pytest.mark.filterwarnings("ignore::hmlm.types.SamplingWarning")
def test_where_chains_start_is_said_in_the_file_or_on_the_command_line(files, capsys):
    model, data, output = files
    assert main(["fit", model, "--data", data, "-o", output, "--init", "nowhere"]) == 2
    assert "init='nowhere' is unknown" in capsys.readouterr().err
    assert main(["fit", model, "--data", data, "-o", output, "--init", "laplace"]) == 0
    assert hm.load_fit(output).statement.settings.init == "laplace"
