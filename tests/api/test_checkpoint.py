"""``checkpoint=`` and ``hm.resume``: the folder knows its model, and refuses what is not its own."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import hmlm as hm
from hmlm.cli import main
from hmlm.infer import driver, pace
from hmlm.infer.checkpoint import made_by, stream
from hmlm.types import HmlmError

pytestmark = pytest.mark.filterwarnings("ignore::hmlm.types.SamplingWarning")

SETTINGS = {"chains": 2, "warmup": 100, "draws": 60, "seed": 5}
FORMULA = "y ~ x + (1 | g)"


def table(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(8), 5)
    x = rng.normal(size=40)
    y = 1.0 + 0.5 * x + rng.normal(size=8)[group] + 0.5 * rng.normal(size=40)
    frame = pd.DataFrame({"y": y, "x": x, "g": [f"level {j}" for j in group], "unused": 1.0})
    frame.loc[3, "x"] = np.nan
    return frame


@pytest.fixture(scope="module")
def model() -> hm.Model:
    with pytest.warns(hm.DataWarning):
        return hm.model(FORMULA, table())


@pytest.fixture(scope="module")
def uninterrupted(model) -> hm.Fit:
    return model.fit(**SETTINGS)


@pytest.fixture(scope="module")
def stopped_folder(model, tmp_path_factory):
    """A run that Ctrl-C stopped after warm-up."""
    path = tmp_path_factory.mktemp("runs") / "run"
    shown = driver.ProgressBar.update

    def update(self, completed, **how):
        shown(self, completed, **how)
        if completed > SETTINGS["warmup"]:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "SECONDS", 0.0)
        patch.setattr(pace, "SECONDS", 1e-5)
        patch.setattr(driver.ProgressBar, "update", update)
        info = model.fit(**SETTINGS, checkpoint=path).info
    assert info.interrupted and 0 < info.draws < SETTINGS["draws"]
    return path


@pytest.fixture
def stopped(stopped_folder, tmp_path):
    return shutil.copytree(stopped_folder, tmp_path / "run")


def assert_equal(one: hm.Fit, other: hm.Fit) -> None:
    xr.testing.assert_equal(one.posterior, other.posterior)
    xr.testing.assert_equal(one.sample_stats, other.sample_stats)
    xr.testing.assert_equal(one["r_g"], other["r_g"])


def test_resume_needs_nothing_but_the_folder(uninterrupted, stopped, capsys):
    fit = hm.resume(stopped)
    assert_equal(fit, uninterrupted)
    assert "going on with the run of" in capsys.readouterr().err
    assert not fit.info.interrupted and fit.info.n_dropped == 1
    np.testing.assert_allclose(fit.predict().mean(), uninterrupted.predict().mean())
    xr.testing.assert_equal(fit.log_lik(), uninterrupted.log_lik())
    assert str(hm.resume(stopped)) == str(fit)  # finished: read
    assert "read" in capsys.readouterr().err


def test_the_same_call_goes_on(model, uninterrupted, stopped, capsys):
    assert_equal(model.fit(**SETTINGS, checkpoint=stopped), uninterrupted)
    assert "going on with the run of" in capsys.readouterr().err


def test_a_resumed_fit_is_saved_and_updated(stopped, tmp_path):
    fit = hm.resume(stopped)
    fit.save(tmp_path / "fit.nc")
    xr.testing.assert_equal(hm.load_fit(tmp_path / "fit.nc").posterior, fit.posterior)
    assert fit.update(draws=10).info.draws == 10


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"seed": 6}, "other seed"), ({"draws": 80}, "other draws"), ({"keep": "population"}, "other keep")],
)
def test_another_run_is_refused_and_says_what_differs(model, stopped, changes, named):
    with pytest.raises(HmlmError, match=f"holds another run .*{named}"):
        model.fit(**{**SETTINGS, **changes}, checkpoint=stopped)


def test_other_data_are_refused(stopped):
    other = table(seed=1).dropna()
    with pytest.raises(HmlmError, match="holds another run .*other data"):
        hm.fit(FORMULA, other, **SETTINGS, checkpoint=stopped)
    with pytest.raises(HmlmError, match="not the table that the run"):
        hm.resume(stopped, other)
    with pytest.warns(hm.DataWarning):
        assert hm.resume(stopped, table()).info.draws == SETTINGS["draws"]


def test_another_formula_is_refused(stopped):
    with pytest.raises(HmlmError, match="other formula"):
        hm.fit("y ~ 1 + (1 | g)", table(), **SETTINGS, checkpoint=stopped)


def test_other_code_is_refused_unless_told_otherwise(uninterrupted, stopped, monkeypatch):
    monkeypatch.setattr(made_by, "code_digest", lambda: "another")
    with pytest.raises(HmlmError, match=r"begun by other code: hmlm .*'s code .*any_code=True"):
        hm.resume(stopped)
    assert_equal(hm.resume(stopped, any_code=True), uninterrupted)


def test_other_libraries_and_devices_are_named(stopped):
    header = json.loads((stopped / "header.json").read_text())
    header["made_by"]["jaxlib"] = "0.0.1"
    (stopped / "header.json").write_text(json.dumps(header))
    with pytest.raises(HmlmError, match=r"jaxlib \(then 0.0.1, now"):
        hm.resume(stopped)
    header["made_by"]["devices"] = "one abacus"
    (stopped / "header.json").write_text(json.dumps(header))
    with pytest.raises(HmlmError, match=r"begun on other devices: .*one abacus"):
        hm.resume(stopped, any_code=True)


def test_the_digest_is_of_what_decides_draws():
    assert made_by.code_digest() == made_by.code_digest.__wrapped__()
    assert len({made_by.code_digest(), "another"}) == 2


@pytest.mark.parametrize("name", ["header.json", "model.nc", "density.npz"])
def test_a_damaged_file_is_named(stopped, name):
    contents = (stopped / name).read_bytes()
    (stopped / name).write_bytes(contents[: len(contents) // 2])
    with pytest.raises(HmlmError, match=name):
        hm.resume(stopped)


def test_folders_that_hold_no_run(model, tmp_path):
    with pytest.raises(HmlmError, match="holds no run"):
        hm.resume(tmp_path / "nowhere")
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(HmlmError, match=r"other files \(thesis.txt"):
        model.fit(**SETTINGS, checkpoint=tmp_path)


def test_what_a_killed_beginning_leaves_is_no_obstacle(model, uninterrupted, tmp_path):
    path = tmp_path / "run"
    path.mkdir()
    for name in ("model.nc", ".header.json.part", "density.npz"):
        (path / name).write_bytes(b"half")
    assert_equal(model.fit(**SETTINGS, checkpoint=path), uninterrupted)


def test_what_takes_no_draws_takes_no_checkpoint(model, tmp_path):
    for how in ({"algorithm": "ml"}, {"sample_prior": "only"}):
        with pytest.raises(HmlmError, match="leave checkpoint out"):
            model.fit(checkpoint=tmp_path / "run", **how)


def test_resume_on_the_command_line(uninterrupted, stopped, tmp_path, capsys):
    output = tmp_path / "fit.nc"
    assert main(["fit", "--resume", str(stopped), "-o", str(output)]) == 0
    printed = capsys.readouterr()
    assert "total post-warmup draws = 120" in printed.out and f"Saved as {output}." in printed.out
    xr.testing.assert_equal(hm.load_fit(output).posterior, uninterrupted.posterior)
    assert main(["fit", "model.yaml", "--resume", str(stopped)]) == 2
    assert "leave model out" in capsys.readouterr().err
    assert main(["fit"]) == 2
    assert "model.yaml is missing" in capsys.readouterr().err
