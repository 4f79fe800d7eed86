"""Fits whose standard deviations between groups have a formula: print, save, load, predict, update."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.cli.fit import formula_of
from hmlm.cli.model_file import read_model_file
from tests.fake_sampling import fake_sampling
from tests.helpers import DESIGNS


@pytest.fixture(scope="module")
def fits():
    with pytest.MonkeyPatch.context() as patched, fake_sampling(patched):
        names = ("between", "between_scale")
        yield {
            name: DESIGNS[name].model().fit(chains=2, draws=6, warmup=5, seed=3, progress=False)
            for name in names
        }


@pytest.fixture
def fit(fits):
    return fits["between"]


def test_print_has_the_formula_and_the_coefficient(fit):
    text = str(fit)
    assert "sd(g) ~ age" in text
    assert "sd_g_age" in text
    assert text.index("sd(x)") < text.index("sd_g_age") < text.index("Regression Coefficients")
    assert fit.fixef().index.tolist() == ["Intercept", "x"]
    assert fit.coef()["g"]["term"].unique().tolist() == ["Intercept", "x"]
    draws = fit.hypothesis("sd_g_age > 0").draws.values[..., 0]
    np.testing.assert_array_equal(draws, fit.posterior["b_sd_g_age"].values)


def test_var_corr_is_that_of_the_average_level(fit):
    found = fit.var_corr().sd.set_index(["group", "term"])["Estimate"]
    np.testing.assert_allclose(found["g", "x"], fit.posterior["sd_g__x"].mean())


@pytest.mark.parametrize("name", ["between", "between_scale"])
def test_a_loaded_fit_gives_the_same_answers(fits, name, tmp_path):
    fit = fits[name]
    fit.save(tmp_path / "fit.nc")
    back = hm.load_fit(tmp_path / "fit.nc")
    assert back.spec == fit.spec and str(back) == str(fit)
    np.testing.assert_allclose(back.log_lik(), fit.log_lik(), rtol=1e-9)
    np.testing.assert_allclose(back.log_lik("g"), fit.log_lik("g"), rtol=1e-6)
    new = pd.DataFrame({"x": [0.5, 1.0], "w": 0.0, "g": [2, 77], "age": [0.1, 1.5], "sex": ["f", "m"]})
    for way in ("uncertainty", "gaussian"):
        options = {"allow_new_levels": True, "sample_new_levels": way}
        one, other = (each.epred(new, **options).values for each in (fit, back))
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_effects_without_those_of_the_file_are_drawn_as_before(fit, tmp_path):
    fit.save(tmp_path / "fit.nc", effects=False)
    back = hm.load_fit(tmp_path / "fit.nc")
    np.testing.assert_allclose(back.effects["r_g"], fit.effects["r_g"], rtol=1e-7, atol=1e-9)


def test_rows_given_effects_do_not_depend_on_their_scales(fit):
    """Log likelihood by hand from draws and effects."""
    table, draws = fit.design.table, fit.posterior
    u = fit.effects["r_g"].values[:, :, table.g.to_numpy()]
    x = table.x.to_numpy()
    mean = (
        draws["b_Intercept"].values[..., None]
        + draws["b_x"].values[..., None] * x
        + u[..., 0]
        + u[..., 1] * x
    )
    sigma = draws["sigma"].values[..., None]
    by_hand = -0.5 * ((table.y.to_numpy() - mean) / sigma) ** 2 - np.log(sigma) - 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(fit.log_lik(), by_hand, rtol=1e-9)


def test_update_keeps_the_formula_or_takes_another(fit, monkeypatch):
    with fake_sampling(monkeypatch):
        narrower = fit.update(". ~ . - x", draws=3)
        other = fit.update(hm.bf("y ~ x + (1 | g)"), draws=3)
    assert "b_sd_g_age" in narrower.posterior and "b_x" not in narrower.posterior
    assert "b_sd_g_age" not in other.posterior


def test_model_yaml_states_the_same_model(tmp_path):
    path = tmp_path / "model.yaml"
    path.write_text('formula: y ~ x + (1 + x | g)\nsd: {g: "~ age"}\n')
    stated = hm.model(formula_of(read_model_file(path)), DESIGNS["between"].data(0))
    assert stated.spec == DESIGNS["between"].model().spec
    assert repr(stated).endswith("sd(g) ~ age")
    assert "b_sd_g_age ~ (flat)" in stated.explain()
