"""``bucket=True``: fits of tables of about one size share programs and are fits of their own table."""

from __future__ import annotations

import numpy as np
import pytest

import hmlm as hm
from hmlm.infer.program import _compile

from ..density.test_pad import model, table
from ..helpers import simulate

pytestmark = pytest.mark.filterwarnings("ignore::hmlm.types.SamplingWarning")  # of few draws

RUN = {"chains": 2, "warmup": 200, "draws": 300, "seed": 3, "progress": False}


@pytest.fixture(scope="module")
def melsm():
    """Fits with and without padding of the same 117 rows in 11 levels."""
    data = table(117, 11)
    return tuple(model("scale by level", data, bucket=bucket).fit(**RUN) for bucket in (True, False))


def test_fits_of_three_sizes_compile_once(melsm):
    before = _compile.cache_info().misses
    for n_rows, levels in ((100, 10), (107, 11), (120, 12)):
        fit = model("scale by level", table(n_rows, levels, seed=2), bucket=True).fit(**RUN)
        assert fit.info.n_rows == n_rows
        assert fit.effects["r_g"].sizes["g"] == levels
    assert _compile.cache_info().misses == before


def test_names_levels_and_rows_are_those_of_the_table(melsm):
    padded, plain = melsm
    assert list(padded.posterior) == list(plain.posterior)
    for name, effects in plain.effects.items():
        assert padded.effects[name].sizes == effects.sizes
        assert list(padded.effects[name]["g"].values) == list(effects["g"].values)
    assert [row.variable for row in padded.info.rows] == [row.variable for row in plain.info.rows]
    assert padded.log_lik().sizes == plain.log_lik().sizes


def test_the_posterior_is_the_same(melsm):
    padded, plain = melsm
    for name, values in plain.posterior.items():
        mine, spread = padded.posterior[name], float(values.std())
        assert float(mine.mean()) == pytest.approx(float(values.mean()), abs=0.35 * spread), name
        assert float(mine.std()) == pytest.approx(spread, rel=0.35), name
    for name, values in plain.effects.items():
        gap = np.abs(padded.effects[name].mean(("chain", "draw")) - values.mean(("chain", "draw")))
        assert float((gap / values.std(("chain", "draw"))).max()) < 0.5, name


def test_loo_is_that_of_the_rows(melsm):
    padded, plain = (fit.loo() for fit in melsm)
    assert padded.elpd == pytest.approx(plain.elpd, abs=3.0)


def test_a_saved_fit_has_the_same_effects(tmp_path):
    fit = model("statistics", table(107, 11), bucket=True).fit(**RUN)
    fit.save(tmp_path / "fit.nc")
    read = hm.load_fit(tmp_path / "fit.nc")
    for name, effects in fit.effects.items():
        np.testing.assert_allclose(read.effects[name], effects, rtol=1e-6, atol=1e-8)


def test_explain_says_what_programs_hold():
    text = hm.model("y ~ x + (1 | g)", simulate(np.arange(117) % 11, 0), bucket=True).explain()
    assert "bucket: programs for up to 144 rows, 12 levels of g for 11" in text
