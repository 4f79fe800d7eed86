"""What a report calls each family, its parameters and its addition terms: words and symbols, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hmlm.spec.family import Family

DPARS: Mapping[str, str] = {
    "mu": "mean of {y}",
    "sigma": "residual standard deviation of {y}",
    "nu": "number of degrees of freedom of {y}",
    "shape": "shape of {y}",
    "phi": "precision of {y}",
    "alpha": "skewness of {y}",
    "zi": "probability of an extra zero in {y}",
    "hu": "probability that {y} is 0",
    "disc": "discrimination of {y}",
    "rescor": "correlation of the residuals of {y}",
}
SYMBOLS: Mapping[str, str] = {
    "mu": "μ",
    "sigma": "σ",
    "nu": "ν",
    "phi": "φ",
    "shape": "α",
    "zi": "ζ",
    "rescor": "ρ",
    "hu": "ζ",
    "trials": "n",
    "rate": "t",
    "se": "s",
}


@dataclass(frozen=True)
class Wording:
    """How a report speaks of a family.

    Attributes:
        title: of its distribution in symbols, ``"Bernoulli"``.
        kind: of a model, ``"linear"`` multilevel model.
        one: what an outcome "is", ``"normally distributed around its mean"``.
        several: the same of several outcomes, which "are".
        arguments: of the distribution in symbols, names of distributional parameters and addition terms,
            quotients as ``"shape/mu"``; empty for all distributional parameters in their order.
        words: of distributional parameters where they are not those of :data:`DPARS`.
        symbols: the same of :data:`SYMBOLS`.
        note: what its parameters mean, with these symbols; empty where they are well known.
    """

    title: str
    kind: str
    one: str
    several: str
    arguments: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    symbols: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    def word(self, dpar: str, column: str) -> str:
        """A distributional parameter of an outcome, ``"mean of PA.std"``."""
        return self.words.get(dpar, DPARS.get(dpar, f"{dpar} of {{y}}")).format(y=column)

    def symbol(self, name: str) -> str:
        """Letter of a distributional parameter or addition term, its name where it has none."""
        return self.symbols.get(name, SYMBOLS.get(name, name))


def _around(title: str, how: str, kind: str, **rest) -> Wording:
    return Wording(title, kind, f"{how} around its mean", f"{how} around their means", **rest)


SHARE = {"mu": "π"}

WORDINGS: Mapping[str, Wording] = {
    "gaussian": _around("Normal", "normally distributed", "linear"),
    "student": _around(
        "Student-t",
        "Student-t distributed",
        "Student-t",
        arguments=("nu", "mu", "sigma"),
        words={"sigma": "scale of {y}"},
        note="Student-t(ν, μ, σ) has ν degrees of freedom and for ν > 2 the variance σ²ν/(ν − 2).",
    ),
    "lognormal": Wording(
        "LogNormal",
        "log-normal",
        "log-normally distributed",
        "log-normally distributed",
        words={"mu": "mean of log {y}", "sigma": "standard deviation of log {y}"},
        note="LogNormal(μ, σ): the logarithm is normal with mean μ and standard deviation σ.",
    ),
    "bernoulli": Wording(
        "Bernoulli",
        "Bernoulli",
        "either 0 or 1",
        "either 0 or 1",
        words={"mu": "probability that {y} is 1"},
        symbols=SHARE,
    ),
    "binomial": Wording(
        "Binomial",
        "binomial",
        "a number of successes in trials, binomially distributed",
        "numbers of successes in trials, binomially distributed",
        arguments=("trials", "mu"),
        words={"mu": "probability of a success in {y}"},
        symbols=SHARE,
    ),
    "beta_binomial": Wording(
        "BetaBinomial",
        "beta-binomial",
        "a number of successes in trials, beta-binomially distributed",
        "numbers of successes in trials, beta-binomially distributed",
        arguments=("trials", "mu", "phi"),
        words={"mu": "probability of a success in {y}"},
        symbols=SHARE,
        note="BetaBinomial(n, π, φ): the probabilities of rows have a beta distribution with mean π and "
        "precision φ.",
    ),
    "poisson": _around("Poisson", "a count, Poisson distributed", "Poisson"),
    "negbinomial": _around(
        "NegBinomial",
        "a count, negative binomially distributed",
        "negative binomial",
        note="NegBinomial(μ, α) has mean μ and variance μ + μ²/α.",
    ),
    "geometric": _around("Geometric", "a count, geometrically distributed", "geometric"),
    "gamma": _around(
        "Gamma",
        "gamma distributed",
        "gamma",
        arguments=("shape", "shape/mu"),
        note="Gamma(α, α/μ) has shape α and rate α/μ, mean μ and variance μ²/α.",
    ),
    "exponential": _around("Exponential", "exponentially distributed", "exponential", arguments=("1/mu",)),
    "beta": _around(
        "Beta",
        "beta distributed",
        "beta",
        note="Beta(μ, φ) has mean μ and variance μ(1 − μ)/(1 + φ).",
    ),
}


def wording_of(family: Family) -> Wording:
    """How to speak of a family; one that has no words here goes by its name."""
    if family.name in WORDINGS:
        return WORDINGS[family.name]
    plain = family.name.replace("_", " ")
    return _around(plain.capitalize(), f"{plain} distributed", plain)


SHRINKAGE: Mapping[str, str] = {
    "horseshoe": (
        "Coefficients with a horseshoe prior are Normal(0, τλ̃) each: τ, half Student-t, shrinks all of them, "
        "λ, half Student-t, lets single ones escape, and λ̃² = c²λ² / (c² + τ²λ²) keeps those within a slab "
        "of width c (Piironen & Vehtari 2017)."
    ),
    "R2D2": (
        "Coefficients with an R2D2 prior are Normal(0, √(φτ²)) each, in units of the residual standard "
        "deviation where there is one: τ² = R² / (1 − R²) with a Beta prior of R², which shares φ with a "
        "Dirichlet prior divide among them (Zhang et al. 2022)."
    ),
}
ADDITIONS: Mapping[str, str] = {
    "trials": "n with the index i is the number of trials in row i: {arguments}.",
    "weights": "The log density of row i counts as often as its weight says: {arguments}.",
    "rate": "t with the index i is what the count of row i is taken from: {arguments}; the mean is per unit.",
    "se": "s with the index i is the known standard error of row i: {arguments}.",
    "cens": "Of censored rows the probability of what is known counts: {arguments}.",
    "trunc": "Outcomes are truncated, their density divided by the probability of the range: {arguments}.",
}
