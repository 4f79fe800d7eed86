"""Variance components: covariance matrices draw by draw, their tables, and how they print."""

from __future__ import annotations

import textwrap

import numpy as np
import pytest

from .fixed import fixed_fit, slopes


def two_outcomes():
    """Two outcomes, correlated effects and residuals; brms may name a correlation either way round."""
    draws = {
        "sd_id__NAstd_Intercept": [[1, 3]],
        "sd_id__PAstd_Intercept": [[2, 2]],
        "cor_id__PAstd_Intercept__NAstd_Intercept": [[0.5, -0.25]],
        "b_NAstd_Intercept": [[0, 0]],
        "b_PAstd_Intercept": [[0, 0]],
        "sigma_NAstd": [[1, 2]],
        "sigma_PAstd": [[3, 3]],
        "rescor__NAstd__PAstd": [[0.1, 0.3]],
    }
    return fixed_fit(draws, {"id": ("a", "b")}, outcomes=("NAstd", "PAstd"), family="MV(gaussian, gaussian)")


def test_covariance_draws():
    found = slopes().var_corr(summary=False)
    assert list(found) == ["id", "Residual"]
    assert found["id"].dims == ("chain", "draw", "term", "term2")
    assert list(found["id"]["term"].values) == ["Intercept", "x", "w"]
    np.testing.assert_allclose(found["id"][0, 1], [[4, -0.5, 0], [-0.5, 0.25, 0], [0, 0, 9]])
    np.testing.assert_allclose(found["Residual"].values, np.full((2, 2, 1, 1), 4.0))


def test_tables_hold_means_of_draws():
    found = slopes().var_corr(prob=0.5)
    assert list(found.sd["term"]) == ["Intercept", "x", "w", ""]
    np.testing.assert_allclose(found.sd["Estimate"], [1.5, 0.75, 3, 2])
    np.testing.assert_allclose(found.sd["l-50% CI"], [1, 0.5, 3, 2])
    assert found.cor[["group", "term", "term2"]].to_numpy().tolist() == [["id", "Intercept", "x"]]
    np.testing.assert_allclose(found.cor["Estimate"], [0.25])
    covariances = [0.25, -0.5, 0, 2]
    np.testing.assert_allclose(found.cov["Estimate"], [2.5, 0.625, 9, np.mean(covariances), 4])
    np.testing.assert_allclose(found.cov["Est.Error"][3], np.std(covariances, ddof=1))


def test_frame_is_laid_out_as_that_of_maximum_likelihood():
    frame = slopes().var_corr().to_frame()
    assert list(frame.columns) == ["grp", "var1", "var2", "vcov", "sdcor"]
    assert frame[["grp", "var1", "var2"]].to_numpy().tolist() == [
        ["id", "Intercept", None],
        ["id", "x", None],
        ["id", "w", None],
        ["id", "Intercept", "x"],
        ["Residual", None, None],
    ]
    np.testing.assert_allclose(frame["sdcor"], [1.5, 0.75, 3, 0.25, 2])


def test_several_outcomes():
    found = two_outcomes().var_corr(summary=False)
    np.testing.assert_allclose(found["id"][0], [[[1, 1], [1, 4]], [[9, -1.5], [-1.5, 4]]])
    np.testing.assert_allclose(found["Residual"][0], [[[1, 0.3], [0.3, 9]], [[4, 1.8], [1.8, 9]]])


def shown(text: str) -> str:
    return textwrap.dedent(text).strip("\n")


def test_print():
    assert repr(slopes().var_corr()) == shown("""
        Groups   Name      Std.Dev. Est.Error l-95% CI u-95% CI  Corr
        id       Intercept     1.50      0.58     1.00     2.00
                 x             0.75      0.29     0.50     1.00   0.25
                 w             3.00      0.00     3.00     3.00
        Residual               2.00      0.00     2.00     2.00
        Posterior means with 95% intervals; those of correlations and covariances: .cor, .cov.
    """)


def test_print_of_several_outcomes():
    assert repr(two_outcomes().var_corr(prob=0.9)) == shown("""
        Groups   Name            Std.Dev. Est.Error l-90% CI u-90% CI  Corr
        id       NAstd_Intercept     2.00      1.41     1.10     2.90
                 PAstd_Intercept     2.00      0.00     2.00     2.00   0.12
        Residual NAstd               1.50      0.71     1.05     1.95
                 PAstd               3.00      0.00     3.00     3.00   0.20
        Posterior means with 90% intervals; those of correlations and covariances: .cor, .cov.
    """)


def test_sigma_with_a_formula_has_no_row(melsm):
    found = melsm.var_corr()
    assert list(found.sd["group"]) == ["id"] * 3
    assert repr(found).endswith("No residual standard deviation: sigma has a formula.")
    assert list(melsm.var_corr(summary=False)) == ["id"]


@pytest.mark.filterwarnings("error")
def test_a_model_without_groups():
    fit = fixed_fit({"b_Intercept": [[1, 2]], "sigma": [[1, 1]]})
    assert fit.var_corr().cor.empty
    assert list(fit.var_corr().sd["group"]) == ["Residual"]
