"""Families from NumPyro distributions: fitted, predicted, kept in files, and refused with a lesson."""

from __future__ import annotations

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpyro import distributions as dist

import hmlm as hm
from hmlm.density.laws.registry import law_of
from hmlm.density.links import LINKS
from hmlm.spec.families import FAMILIES

from ..fake_sampling import fake_sampling

GUMBEL = hm.custom_family(
    "gumbel", lambda mu, sigma: dist.Gumbel(mu, sigma), ("mu", "sigma"), ("identity", "log")
)
OWN = {  # families of hmlm's stated again
    "student": hm.custom_family(
        "own_student",
        lambda mu, sigma, nu: dist.StudentT(nu, mu, sigma),
        ("mu", "sigma", "nu"),
        ("identity", "log", "logm1"),
    ),
    "negbinomial": hm.custom_family(
        "own_negbinomial",
        lambda mu, shape: dist.NegativeBinomial2(mu, shape),
        ("mu", "shape"),
        "log",
        "count",
    ),
    "beta_binomial": hm.custom_family(
        "own_beta_binomial",
        lambda mu, phi, trials: dist.BetaBinomial(mu * phi, (1 - mu) * phi, trials),
        ("mu", "phi"),
        ("logit", "log"),
        "successes",
    ),
}


def table() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    g = np.repeat(np.arange(30), 8)
    x = rng.normal(size=len(g))
    y = 1.0 + 0.5 * x + 0.5 * rng.normal(size=30)[g] + rng.gumbel(scale=0.7, size=len(g))
    return pd.DataFrame({"y": y, "x": x, "g": g})


def fitted(**options) -> hm.Fit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hm.SamplingWarning)
        return hm.fit("y ~ x + (1 | g)", table(), family=GUMBEL, progress=False, **options)


@pytest.fixture(scope="module")
def fit() -> hm.Fit:
    return fitted(chains=1, warmup=200, draws=300, seed=1)


@pytest.mark.parametrize("name", OWN)
def test_law_is_that_of_the_family_it_states(name):
    own, family = law_of(OWN[name]), FAMILIES[name]
    law = law_of(family)
    with jax.enable_x64(True):
        thetas = {
            p.name: LINKS[p.support.link].theta(jnp.linspace(-1, 1, 6) + 0.2 * i)
            for i, p in enumerate(family.parameters)
        }
        extra = {"trials": jnp.full(6, 8.0)}
        y = law.simulate(jax.random.key(1), thetas, extra, (6,))
        np.testing.assert_allclose(
            own.log_density(y, thetas, extra), law.log_density(y, thetas, extra), rtol=1e-5, atol=1e-5
        )
        for dpar, score in law.score(y, thetas, extra).items():
            np.testing.assert_allclose(own.score(y, thetas, extra)[dpar], score, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(own.mean(thetas, extra), law.mean(thetas, extra), rtol=1e-6)
        assert own.simulate(jax.random.key(1), thetas, extra, (4, 6)).shape == (4, 6)


def test_parameters_have_the_priors_of_their_name_or_support():
    family = hm.custom_family(
        "own",
        lambda mu, zi, width: dist.Normal(mu + zi, width),
        ("mu", "zi", "width"),
        ("log", "logit", "log"),
    )
    spec = hm.model("y ~ x + (1 | g)", table(), family=family).spec
    assert {c.dpar: str(c.prior) for c in spec.constants} == {
        "zi": "beta(1, 1)",
        "width": "student_t(3, 0, 2.5)",
    }


def test_parameters_are_recovered(fit):
    found = fit.posterior
    for name, value in (("b_Intercept", 1.0), ("b_x", 0.5), ("sd_g__Intercept", 0.5), ("sigma", 0.7)):
        assert abs(float(found[name].mean()) - value) < 4 * float(found[name].std()), name


def test_expected_outcomes_are_the_distributions_mean(fit):
    expected, mu = fit.epred(ndraws=20), fit.linpred(ndraws=20)
    shift = (expected - mu) / np.euler_gamma
    np.testing.assert_allclose(shift.std("row"), 0.0, atol=1e-9)
    assert 0.5 < float(shift.mean()) < 0.9


def test_moments_that_a_distribution_lacks_are_simulated():
    class Unknown(dist.Gumbel):
        """Without a mean and a variance."""

        mean = property(lambda self: (_ for _ in ()).throw(NotImplementedError))
        variance = property(lambda self: (_ for _ in ()).throw(NotImplementedError))

    family = hm.custom_family("unknown", lambda mu: Unknown(mu, 1.0))
    with jax.enable_x64(True):
        thetas = {"mu": LINKS["identity"].theta(jnp.array([0.0, 3.0]))}
        mean, variance = law_of(family).mean(thetas, {}), law_of(family).variance(thetas, {})
    np.testing.assert_allclose(mean, np.array([0.0, 3.0]) + np.euler_gamma, atol=0.25)
    np.testing.assert_allclose(variance, np.pi**2 / 6, rtol=0.35)


def test_a_saved_fit_asks_for_its_family(fit, tmp_path):
    path = tmp_path / "fit.nc"
    fit.save(path)
    with pytest.raises(hm.HmlmError, match=r"custom family 'gumbel'.*load_fit\(path, family=...\)"):
        hm.load_fit(path)
    with pytest.raises(hm.HmlmError, match="with the family 'gumbel', not 'own_student'"):
        hm.load_fit(path, family=OWN["student"])
    back = hm.load_fit(path, family=GUMBEL)
    assert back.spec == fit.spec and str(back) == str(fit)
    xr.testing.assert_equal(back.predict(ndraws=3), fit.predict(ndraws=3))


def test_kept_and_updated(tmp_path, monkeypatch, capsys):
    with fake_sampling(monkeypatch) as sampler:
        kept = {"file": tmp_path / "kept.nc", "chains": 1, "warmup": 5, "draws": 5}
        first = fitted(**kept)
        again = fitted(**kept)
        assert len(sampler.calls) == 1 and "instead of sampling" in capsys.readouterr().err
        xr.testing.assert_equal(first.posterior, again.posterior)
        assert again.update(". ~ . - x").spec.family == GUMBEL


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": "poisson"}, "choose another name"),
        ({"name": "a b"}, "must be a word"),
        ({"dpars": ("sigma", "mu")}, "must begin with 'mu'"),
        ({"links": ("identity",)}, "2 parameters 'mu', 'sigma' have 1 links"),
        ({"links": "lgo"}, "did you mean 'log'"),
        ({"outcome": "counts"}, "did you mean 'count'"),
        ({"dpars": ("mu", "scale")}, "called with 'mu', 'scale' by name"),
        ({"distribution": lambda mu, sigma: mu}, "must return a numpyro.distributions.Distribution"),
        ({"distribution": lambda mu, sigma: dist.Normal(mu, sigma).to_event(1)}, "one number per row"),
    ],
)
def test_what_cannot_be_a_family_is_refused(arguments, said):
    given = {
        "name": "gumbel",
        "distribution": lambda mu, sigma: dist.Gumbel(mu, sigma),
        "dpars": ("mu", "sigma"),
        "links": ("identity", "log"),
    }
    with pytest.raises(hm.HmlmError, match=said):
        hm.custom_family(**given | arguments)


def test_additions_that_it_cannot_have():
    with pytest.raises(hm.FormulaError, match=r"gumbel does not take trunc\(.*it takes weights"):
        hm.model("y | trunc(lb = -9) ~ x", table(), family=GUMBEL)
