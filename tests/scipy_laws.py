"""What scipy calls the distributions of hmlm's families: statements of them that share no code with it."""

from __future__ import annotations

import numpy as np
from scipy import special, stats


def skew_normal(mean, sd, alpha):
    """scipy's goes by location and scale."""
    standard = stats.skewnorm(alpha)
    scale = sd / standard.std()
    return stats.skewnorm(alpha, mean - scale * standard.mean(), scale)


class WithZeros:
    """A distribution of scipy's mixed with zeros, from probabilities themselves."""

    def __init__(self, base, share):
        self.base, self.share = base, share

    def logpmf(self, y):
        return np.log(self.share * (y == 0) + (1 - self.share) * self.base.pmf(y))

    def logpdf(self, y):
        with np.errstate(divide="ignore"):
            return np.log(np.where(y == 0, self.share, (1 - self.share) * self.base.pdf(y)))

    def logcdf(self, y):
        return np.log(self.share * (y >= 0) + (1 - self.share) * self.base.cdf(y))

    def sf(self, y):
        return self.share * (y < 0) + (1 - self.share) * self.base.sf(y)


def past_hurdle(base, hu):
    """A hurdle as a mixture with zeros: of base, and of as many less zeros as base itself gives."""
    share = 1 - (1 - hu) / (1 - base.pmf(0))
    return base, share


# What scipy calls the same distribution, from natural parameters p and the number of trials.
SCIPY = {
    "gaussian": lambda p, n: stats.norm(p["mu"], p["sigma"]),
    "lognormal": lambda p, n: stats.lognorm(p["sigma"], scale=np.exp(p["mu"])),
    "student": lambda p, n: stats.t(p["nu"], p["mu"], p["sigma"]),
    "bernoulli": lambda p, n: stats.bernoulli(p["mu"]),
    "binomial": lambda p, n: stats.binom(n, p["mu"]),
    "poisson": lambda p, n: stats.poisson(p["mu"]),
    "negbinomial": lambda p, n: stats.nbinom(p["shape"], p["shape"] / (p["shape"] + p["mu"])),
    "gamma": lambda p, n: stats.gamma(p["shape"], scale=p["mu"] / p["shape"]),
    "weibull": lambda p, n: stats.weibull_min(p["shape"], scale=p["mu"] / special.gamma(1 + 1 / p["shape"])),
    "exponential": lambda p, n: stats.expon(scale=p["mu"]),
    "inverse_gaussian": lambda p, n: stats.invgauss(p["mu"] / p["shape"], scale=p["shape"]),
    "beta": lambda p, n: stats.beta(p["mu"] * p["phi"], (1 - p["mu"]) * p["phi"]),
    "geometric": lambda p, n: stats.geom(1 / (1 + p["mu"]), loc=-1),
    "beta_binomial": lambda p, n: stats.betabinom(n, p["mu"] * p["phi"], (1 - p["mu"]) * p["phi"]),
    "skew_normal": lambda p, n: skew_normal(p["mu"], p["sigma"], p["alpha"]),
    "zero_inflated_poisson": lambda p, n: WithZeros(stats.poisson(p["mu"]), p["zi"]),
    "zero_inflated_negbinomial": lambda p, n: WithZeros(SCIPY["negbinomial"](p, n), p["zi"]),
    "zero_inflated_binomial": lambda p, n: WithZeros(stats.binom(n, p["mu"]), p["zi"]),
    "hurdle_poisson": lambda p, n: WithZeros(*past_hurdle(stats.poisson(p["mu"]), p["hu"])),
    "hurdle_gamma": lambda p, n: WithZeros(SCIPY["gamma"](p, n), p["hu"]),
}
