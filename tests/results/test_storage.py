"""One netCDF file: the same fit comes back, ArviZ opens it, anything else is refused in words."""

from __future__ import annotations

import dataclasses
import gzip
import pickle

import arviz as az
import numpy as np
import pytest
import xarray as xr

from hmlm.results import archive, load_fit
from hmlm.types import HmlmError


@pytest.mark.parametrize("name", ["melsm", "outcomes", "nested", "single_chain"])
def test_roundtrip(name, request, tmp_path):
    fit = request.getfixturevalue(name)
    fit.save(tmp_path / "fit.nc")
    back = load_fit(tmp_path / "fit.nc")
    assert str(back) == str(fit)
    assert back.info == fit.info
    xr.testing.assert_equal(back.posterior, fit.posterior)
    xr.testing.assert_equal(back.observed, fit.observed)
    xr.testing.assert_equal(back.sample_stats, fit.sample_stats)
    assert back.sample_stats["diverging"].dtype == bool
    assert list(back.effects) == list(fit.effects)
    for effect, array in fit.effects.items():
        xr.testing.assert_equal(back.effects[effect], array)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_arviz_opens_the_file(nested, tmp_path):
    nested.save(tmp_path / "fit.nc")
    opened = az.from_netcdf(tmp_path / "fit.nc")
    values = opened["posterior"]["sd_hospital:ward__age"].values
    np.testing.assert_array_equal(values, nested.posterior["sd_hospital:ward__age"].values)
    assert opened["group_effects"]["r_hospital:ward"].dims[-1] == "r_hospital:ward_term"


def test_to_arviz(melsm):
    plain, full = melsm.to_arviz(), melsm.to_arviz(effects=True)
    assert type(plain).__name__ == ("InferenceData" if az.__version__.startswith("0.") else "DataTree")
    assert "r_id" not in plain["posterior"]
    assert full["posterior"]["r_id"].dims == ("chain", "draw", "id", "r_id_term")
    assert "PAstd" in plain["observed_data"]


def test_a_slash_in_a_name_survives(melsm, tmp_path):
    row = dataclasses.replace(melsm.info.rows[-1], variable="b_day/2", label="day/2")
    info = dataclasses.replace(melsm.info, rows=(*melsm.info.rows[:-1], row))
    fit = dataclasses.replace(melsm, info=info, posterior=melsm.posterior.rename(b_day="b_day/2"))
    fit.save(tmp_path / "fit.nc")
    assert str(load_fit(tmp_path / "fit.nc")) == str(fit)


def test_many_rows_fit_into_the_file(melsm, tmp_path):
    info = dataclasses.replace(melsm.info, priors=("b ~ normal(0, 1)",) * 20_000)
    dataclasses.replace(melsm, info=info).save(tmp_path / "fit.nc")
    assert load_fit(tmp_path / "fit.nc").info == info


def test_without_effects(melsm, tmp_path):
    melsm.save(tmp_path / "fit.nc", effects=False)
    assert melsm.effects_fn.calls == 0
    back = load_fit(tmp_path / "fit.nc")
    assert str(back) == str(melsm)
    with pytest.raises(HmlmError, match="saved without group effects"):
        back.ranef()


def test_overwrite(melsm, nested, tmp_path):
    path = tmp_path / "fit.nc"
    melsm.save(path)
    with pytest.raises(HmlmError, match="exists"):
        nested.save(path, overwrite=False)
    nested.save(path)
    assert load_fit(path).info == nested.info
    load_fit(path).save(path)
    assert load_fit(path).info == nested.info


def test_a_failed_save_leaves_the_old_file(melsm, tmp_path, monkeypatch):
    path = tmp_path / "fit.nc"
    melsm.save(path)
    before = path.read_bytes()

    def broken(tree, part, engine):
        part.write_bytes(b"half a file")
        raise OSError("disk full")

    monkeypatch.setattr(xr.DataTree, "to_netcdf", broken)
    with pytest.raises(OSError, match="disk full"):
        melsm.save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_no_folder(melsm, tmp_path):
    with pytest.raises(HmlmError, match="there is no folder"):
        melsm.save(tmp_path / "nowhere" / "fit.nc")


FOREIGN = {
    "is not a saved fit; fit.save": b"id,day\n1,2\n",
    "a Python pickle file": pickle.dumps({}),
    "a gzip or R's .rds file": gzip.compress(b"RDX3"),
    "is damaged or cut short": archive.HDF5 + b"\0" * 90,
}


@pytest.mark.parametrize("message", FOREIGN)
def test_other_files_are_named(message, tmp_path):
    (tmp_path / "x").write_bytes(FOREIGN[message])
    with pytest.raises(HmlmError, match=message):
        load_fit(tmp_path / "x")


def test_missing_file(tmp_path):
    with pytest.raises(HmlmError, match="there is no file"):
        load_fit(tmp_path / "x.nc")


def test_file_cut_short(melsm, tmp_path):
    path = tmp_path / "fit.nc"
    melsm.save(path)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(HmlmError, match="damaged or cut short"):
        load_fit(path)


def test_netcdf_of_another_program(tmp_path):
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset({"mu": (("chain", "draw"), np.zeros((2, 3)))})})
    tree.to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    with pytest.raises(HmlmError, match="not saved by hmlm .* groups posterior.*arviz.from_netcdf"):
        load_fit(tmp_path / "other.nc")


def test_file_of_a_newer_version(melsm, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(archive, "FORMAT", archive.FORMAT + 1)
        melsm.save(tmp_path / "fit.nc")
    with pytest.raises(HmlmError, match="newer hmlm"):
        load_fit(tmp_path / "fit.nc")
