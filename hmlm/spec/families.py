"""The families there are, under brms's names and with its links and default priors.

References:
    Buerkner (2017), doi:10.18637/jss.v080.i01
"""

from __future__ import annotations

import re

from hmlm.spec.family import Dpar, Family, OutcomeKind, make_family, with_links
from hmlm.spec.hint import did_you_mean
from hmlm.spec.support import Support
from hmlm.types import Distribution, HmlmError

REAL_LINKS = ("identity", "log", "inverse")
POSITIVE_LINKS = ("log", "identity", "inverse")
COUNT_LINKS = ("log", "identity", "sqrt")
UNIT_LINKS = ("logit", "probit", "cloglog", "cauchit", "identity", "log")

BOUNDED = ("weights", "cens", "trunc")

SIGMA = Dpar("sigma", Support.POSITIVE, ("log", "identity"))
SHAPE = Dpar("shape", Support.POSITIVE, ("log", "identity"), Distribution("gamma", (0.01, 0.01)))
PHI = Dpar("phi", Support.POSITIVE, ("log", "identity"), Distribution("gamma", (0.01, 0.01)))
ALPHA = Dpar(
    "alpha",
    Support.REAL,
    ("identity",),
    Distribution("normal", (0.0, 4.0)),
    intercept=Distribution("normal", (0.0, 4.0)),
)
NU = Dpar("nu", Support.ABOVE_ONE, ("logm1",), Distribution("gamma", (2.0, 0.1)))


def _share(name: str) -> Dpar:
    """A probability of zeros."""
    return Dpar(
        name,
        Support.UNIT,
        ("logit", "identity"),
        Distribution("beta", (1.0, 1.0)),
        intercept=Distribution("logistic", (0.0, 1.0)),
    )


def _mu(support: Support, links: tuple[str, ...]) -> Dpar:
    return Dpar("mu", support, links, intercept=None)


GAUSSIAN = make_family(
    "gaussian",
    _mu(Support.REAL, REAL_LINKS),
    SIGMA,
    outcome=OutcomeKind.REAL,
    normal=True,
    multivariate=True,
    additions=(*BOUNDED, "se"),
)
LOGNORMAL = make_family(
    "lognormal",
    _mu(Support.REAL, ("identity", "inverse")),
    SIGMA,
    outcome=OutcomeKind.POSITIVE,
    normal=True,
    log_outcome=True,
    mean_is_mu=False,
)
STUDENT = make_family(
    "student",
    _mu(Support.REAL, REAL_LINKS),
    SIGMA,
    NU,
    outcome=OutcomeKind.REAL,
    additions=(*BOUNDED, "se"),
)
BERNOULLI = make_family(
    "bernoulli", _mu(Support.UNIT, UNIT_LINKS), outcome=OutcomeKind.BINARY, additions=("weights",)
)
BINOMIAL = make_family(
    "binomial",
    _mu(Support.UNIT, UNIT_LINKS),
    outcome=OutcomeKind.SUCCESSES,
    additions=(*BOUNDED, "trials"),
)
POISSON = make_family(
    "poisson",
    _mu(Support.POSITIVE, COUNT_LINKS),
    outcome=OutcomeKind.COUNT,
    additions=(*BOUNDED, "rate"),
)
NEGBINOMIAL = make_family(
    "negbinomial",
    _mu(Support.POSITIVE, COUNT_LINKS),
    SHAPE,
    outcome=OutcomeKind.COUNT,
    additions=(*BOUNDED, "rate"),
)
GAMMA = make_family("gamma", _mu(Support.POSITIVE, POSITIVE_LINKS), SHAPE, outcome=OutcomeKind.POSITIVE)

SKEW_NORMAL = make_family(
    "skew_normal",
    _mu(Support.REAL, REAL_LINKS),
    SIGMA,
    ALPHA,
    outcome=OutcomeKind.REAL,
    additions=("weights", "se"),
)
WEIBULL = make_family("weibull", _mu(Support.POSITIVE, POSITIVE_LINKS), SHAPE, outcome=OutcomeKind.POSITIVE)
EXPONENTIAL = make_family(
    "exponential", _mu(Support.POSITIVE, POSITIVE_LINKS), outcome=OutcomeKind.NONNEGATIVE
)
INVERSE_GAUSSIAN = make_family(
    "inverse_gaussian",
    _mu(Support.POSITIVE, ("1/mu^2", "inverse", "identity", "log")),
    SHAPE,
    outcome=OutcomeKind.POSITIVE,
)
BETA = make_family("beta", _mu(Support.UNIT, UNIT_LINKS), PHI, outcome=OutcomeKind.UNIT)
GEOMETRIC = make_family(
    "geometric",
    _mu(Support.POSITIVE, COUNT_LINKS),
    outcome=OutcomeKind.COUNT,
    additions=(*BOUNDED, "rate"),
)
BETA_BINOMIAL = make_family(
    "beta_binomial",
    _mu(Support.UNIT, UNIT_LINKS),
    PHI,
    outcome=OutcomeKind.SUCCESSES,
    additions=("weights", "trials"),
)
ZERO_INFLATED_POISSON = make_family(
    "zero_inflated_poisson",
    _mu(Support.POSITIVE, COUNT_LINKS),
    _share("zi"),
    outcome=OutcomeKind.COUNT,
    mean_is_mu=False,
)
ZERO_INFLATED_NEGBINOMIAL = make_family(
    "zero_inflated_negbinomial",
    _mu(Support.POSITIVE, COUNT_LINKS),
    SHAPE,
    _share("zi"),
    outcome=OutcomeKind.COUNT,
    mean_is_mu=False,
)
ZERO_INFLATED_BINOMIAL = make_family(
    "zero_inflated_binomial",
    _mu(Support.UNIT, UNIT_LINKS),
    _share("zi"),
    outcome=OutcomeKind.SUCCESSES,
    mean_is_mu=False,
    additions=(*BOUNDED, "trials"),
)
HURDLE_POISSON = make_family(
    "hurdle_poisson",
    _mu(Support.POSITIVE, ("log", "identity")),
    _share("hu"),
    outcome=OutcomeKind.COUNT,
    mean_is_mu=False,
)
HURDLE_GAMMA = make_family(
    "hurdle_gamma",
    _mu(Support.POSITIVE, POSITIVE_LINKS),
    SHAPE,
    _share("hu"),
    outcome=OutcomeKind.NONNEGATIVE,
    mean_is_mu=False,
    additions=("weights", "cens"),
)

FAMILIES = {
    family.name: family
    for family in (
        GAUSSIAN,
        LOGNORMAL,
        STUDENT,
        SKEW_NORMAL,
        BERNOULLI,
        BINOMIAL,
        BETA_BINOMIAL,
        POISSON,
        NEGBINOMIAL,
        GEOMETRIC,
        GAMMA,
        WEIBULL,
        EXPONENTIAL,
        INVERSE_GAUSSIAN,
        BETA,
        ZERO_INFLATED_POISSON,
        ZERO_INFLATED_NEGBINOMIAL,
        ZERO_INFLATED_BINOMIAL,
        HURDLE_POISSON,
        HURDLE_GAMMA,
    )
}
KNOWN_PARAMETERS = {p.name: p for family in FAMILIES.values() for p in family.parameters if p.name != "mu"}
SUPPORT_PRIORS = {
    Support.REAL: Distribution("student_t", (3.0, 0.0, 2.5)),
    Support.POSITIVE: Distribution("student_t", (3.0, 0.0, 2.5)),
    Support.UNIT: Distribution("beta", (1.0, 1.0)),
    Support.ABOVE_ONE: Distribution("gamma", (2.0, 0.1)),
}  # of parameters that no family here has
CUSTOM = "custom:"  # before the names of families that users made, where a fit is stored
ALIASES = {
    "normal": "gaussian",
    "student_t": "student",
    "negative_binomial": "negbinomial",
    "Gamma": "gamma",
    "Beta": "beta",
    "inverse.gaussian": "inverse_gaussian",
}

_CALL = re.compile(r"\s*([\w.]+)\s*\(([^()]*)\)\s*")


def find_family(name: str | Family) -> Family:
    """The family called ``name``: ``"poisson"``, or with a link as in R, ``"binomial(link = 'probit')"``.

    Raises:
        HmlmError: there is none of that name, the message lists those there are; or a link it cannot have.
    """
    if isinstance(name, Family):
        return name
    call = _CALL.fullmatch(name) if isinstance(name, str) else None
    if call:
        return with_links(find_family(call[1]), _links(call[2]))
    if isinstance(name, str) and name.startswith(CUSTOM):
        raise HmlmError(
            f"the custom family {name.removeprefix(CUSTOM)!r} is not stored with the fit: make it again with "
            "hm.custom_family(...) and say hm.load_fit(path, family=...)"
        )
    known = ALIASES.get(name, name) if isinstance(name, str) else None
    if known not in FAMILIES:
        hint = did_you_mean(str(name), FAMILIES)
        raise HmlmError(f"unknown family {name!r}; available: {', '.join(sorted(FAMILIES))}{hint}")
    return FAMILIES[known]


def family_text(family: Family) -> str:
    """The family as :func:`find_family` reads it, links named where they are not the default.

    Of families that users made it is the name that a loaded fit asks for.
    """
    if family.custom is not None:
        return f"{CUSTOM}{family.name}"
    changed = [
        f"link_{p.name}={link}"
        for p, link in zip(family.parameters, family.links, strict=True)
        if link != p.links[0]
    ]
    return f"{family.name}({', '.join(changed)})" if changed else family.name


def _links(text: str) -> dict[str, str]:
    """Links by parameter from the arguments of a call, ``"link = 'probit', link_sigma = 'log'"``."""
    out = {}
    for part in filter(None, map(str.strip, text.split(","))):
        name, _, value = part.rpartition("=")
        name = name.strip() or "link"
        out["mu" if name == "link" else name.removeprefix("link_")] = value.strip().strip("'\"")
    return out
