"""``Fit``'s verbs live in modules of their own and are still methods, documented and with a signature."""

from __future__ import annotations

import inspect

import pytest

import hmlm as hm

VERBS = {name: verb for name, verb in vars(hm.Fit).items() if inspect.isfunction(verb) and name[0] != "_"}


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_is_a_documented_method(name, melsm):
    assert VERBS[name].__name__ == name
    assert next(iter(inspect.signature(VERBS[name]).parameters)) == "fit"
    assert "fit" not in inspect.signature(getattr(melsm, name)).parameters
    assert inspect.getdoc(getattr(melsm, name))


def test_the_verbs_are_those_of_the_readme():
    """The public names, which a rearrangement must not lose."""
    assert set(VERBS) == {
        *("summary", "fixef", "ranef", "coef", "var_corr", "icc", "draws", "gather_draws", "spread_draws"),
        *("linpred", "epred", "predict", "prediction", "residuals", "bayes_r2"),
        *("conditional_effects", "marginal_means", "comparisons", "hypothesis", "contrasts"),
        *(
            "log_lik",
            "loo",
            "loo_pit",
            "waic",
            "kfold",
            "update",
            "save",
            "to_arviz",
            "report",
            "residual_sd",
            "log_prior",
            "prior_sensitivity",
            "diagnose",
            "diagnostics",
            "nested_rhat",
        ),
    }
