"""``file=``: a fit is kept in a file, and sampled again only when something changed."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest
import xarray as xr

import hmlm as hm
from hmlm.types import HmlmError
from tests.fake_sampling import fake_sampling
from tests.helpers import even

FORMULA = "y ~ x + (1 | g)"
SETTINGS = {"chains": 2, "draws": 4, "warmup": 6, "seed": 9}


@pytest.fixture(autouse=True)
def sampler(monkeypatch):
    with fake_sampling(monkeypatch) as fake:
        yield fake


@pytest.fixture
def path(tmp_path):
    return tmp_path / "m.nc"


def fit(path, formula=FORMULA, data=None, **changes) -> hm.Fit:
    return hm.fit(formula, even(0) if data is None else data, **{**SETTINGS, "file": path, **changes})


def test_the_second_time_it_is_read(path, sampler, capsys):
    first = fit(path)
    assert path.is_file() and len(sampler.calls) == 1 and capsys.readouterr().err == ""
    second = fit(str(path))
    assert len(sampler.calls) == 1
    assert capsys.readouterr().err == f"hmlm: read {path} instead of sampling\n"
    xr.testing.assert_equal(second.posterior, first.posterior)
    assert str(second) == str(first)
    assert second.update(draws=3).info.draws == 3


CHANGES = {
    "formula": {"formula": "y ~ x + w + (1 | g)"},
    "data": {"data": even(1)},
    "priors": {"prior": hm.prior("normal(0, 1)")},
    "density": {"density": "noncentered"},
    "seed": {"seed": 10},
    "draws": {"draws": 5},
    "warmup": {"warmup": 5},
    "chains": {"chains": 1},
    "target_accept": {"target_accept": 0.9},
    "max_tree_depth": {"max_tree_depth": 8},
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_changed_is_sampled_again(what, path, sampler, capsys):
    fit(path)
    changed = fit(path, **CHANGES[what])
    assert len(sampler.calls) == 2
    assert capsys.readouterr().err == f"hmlm: sampling again, {path} will be replaced: {what} changed\n"
    assert hm.load_fit(path).info == changed.info
    fit(path, **CHANGES[what])
    assert len(sampler.calls) == 2


def test_one_cell_is_a_change_and_an_unused_column_is_none(path, sampler):
    table = even(0)
    fit(path)
    fit(path, data=table.assign(spare=1))
    fit(path, data_name="d", kernels="xla", progress=False)
    assert len(sampler.calls) == 1
    table.loc[17, "x"] = np.nextafter(table.loc[17, "x"], 9)
    fit(path, data=table)
    assert len(sampler.calls) == 2


def test_order_of_levels_is_a_change(path, sampler):
    table = even(0)
    for codes in ([0, 1, 2, 3], [3, 2, 1, 0]):
        table["h"] = table["h"].astype("category").cat.set_categories(codes)
        fit(path, formula="y ~ h + (1 | g)", data=table)
    assert len(sampler.calls) == 2


def test_never(path, sampler, capsys):
    first = fit(path)
    other = fit(path, data=even(1), file_refit="never")
    assert len(sampler.calls) == 1 and "file_refit='never'" in capsys.readouterr().err
    xr.testing.assert_equal(other.posterior, first.posterior)
    path.unlink()
    fit(path, file_refit="never")
    assert len(sampler.calls) == 2 and path.is_file()


def test_always(path, sampler):
    fit(path)
    fit(path, file_refit="always")
    assert len(sampler.calls) == 2


def test_factories_are_kept(path, sampler):
    table = even(0)
    model = hm.varying_intercept(table[["x"]], table["g"], table["y"])
    for seed in (1, 1, 2):
        model.fit(**{**SETTINGS, "seed": seed, "file": path})
    assert len(sampler.calls) == 2


FOREIGN = {
    "a Python pickle file": pickle.dumps({}),
    "is damaged or cut short": b"\x89HDF\r\n\x1a\n" + b"\0" * 90,
    "is not a saved fit": b"",
}


@pytest.mark.parametrize("refit", ["on_change", "never", "always"])
@pytest.mark.parametrize("message", FOREIGN)
def test_other_files_are_left_alone(message, refit, path, sampler):
    path.write_bytes(FOREIGN[message])
    with pytest.raises(HmlmError, match=message) as raised:
        fit(path, file_refit=refit)
    assert str(path) in str(raised.value)
    assert path.read_bytes() == FOREIGN[message] and not sampler.calls


def test_a_fit_without_statement_is_replaced_aloud(path, sampler, capsys):
    dataclasses.replace(fit(path), statement=None).save(path)
    fit(path)
    assert len(sampler.calls) == 2
    assert "does not say what it was made from" in capsys.readouterr().err


def test_an_interrupted_run_is_kept_and_never_taken_for_a_whole_one(path, sampler, capsys):
    sampler.interrupted = True
    fit(path)
    sampler.interrupted = False
    assert not fit(path).info.interrupted
    assert "will be replaced: its run was interrupted" in capsys.readouterr().err
    assert not hm.load_fit(path).info.interrupted


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"file_refit": "onchange"}, "file_refit='onchange' is unknown; did you mean 'on_change'"),
        ({"algorithm": "reml"}, "algorithm='reml' makes none"),
    ],
)
def test_wrong_arguments(changes, message, path, sampler):
    with pytest.raises(HmlmError, match=message):
        fit(path, **changes)
    assert not sampler.calls


def test_a_missing_folder_is_told_before_sampling(tmp_path, sampler):
    with pytest.raises(HmlmError, match="there is no folder"):
        fit(tmp_path / "nowhere" / "m.nc")
    with pytest.raises(HmlmError, match="it is a folder"):
        fit(tmp_path)
    assert not sampler.calls
