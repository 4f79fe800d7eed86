"""Families that users make from a NumPyro distribution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
from numpyro import distributions as dist

from hmlm.density.laws.from_numpyro import Factory, law_from_numpyro
from hmlm.density.links import LINKS
from hmlm.spec.families import ALIASES, FAMILIES, KNOWN_PARAMETERS, SUPPORT_PRIORS
from hmlm.spec.family import Dpar, Family, OutcomeKind, make_family
from hmlm.spec.hint import did_you_mean, listed
from hmlm.spec.support import Support
from hmlm.types import HmlmError

KINDS: Mapping[str, OutcomeKind] = {
    kind.name.lower(): kind
    for kind in (
        OutcomeKind.REAL,
        OutcomeKind.POSITIVE,
        OutcomeKind.NONNEGATIVE,
        OutcomeKind.UNIT,
        OutcomeKind.COUNT,
        OutcomeKind.BINARY,
        OutcomeKind.SUCCESSES,
    )
}
DISCRETE = (OutcomeKind.COUNT, OutcomeKind.BINARY, OutcomeKind.SUCCESSES)
SUPPORTS = {
    "identity": Support.REAL,
    "log": Support.POSITIVE,
    "logit": Support.UNIT,
    "logm1": Support.ABOVE_ONE,
    "inverse": Support.POSITIVE,
    "sqrt": Support.POSITIVE,
    "1/mu^2": Support.POSITIVE,
    "probit": Support.UNIT,
    "cloglog": Support.UNIT,
    "cauchit": Support.UNIT,
}


def custom_family(
    name: str,
    distribution: Factory,
    dpars: Sequence[str] = ("mu",),
    links: str | Sequence[str] = "identity",
    outcome: str = "real",
) -> Family:
    """A family from a NumPyro distribution, to be given to :func:`hmlm.model` as ``family=``.

    ``hm.custom_family("gumbel", lambda mu, sigma: dist.Gumbel(mu, sigma), ("mu", "sigma"),
    ("identity", "log"))``

    Derivatives are by autodiff, and what a distribution does not know of its mean is simulated; outcomes can
    be weighted, not censored or truncated. A saved fit does not hold the distribution: read it with
    ``hm.load_fit(path, family=...)``.

    Args:
        name: of the family, another than those hmlm has.
        distribution: called with the parameters by their names, arrays over rows (and ``trials=`` if the
            outcome is ``"successes"``), returns a NumPyro distribution of one number per row.
        dpars: distributional parameters, ``"mu"`` first. In formulas of :func:`hmlm.bf` only those with names
            that brms has, such as ``sigma``, ``nu``, ``shape``, ``phi``, ``zi``, can have one of their own.
        links: of each parameter where it has a formula. A link also says where the parameter may lie:
            anywhere with ``"identity"``, above 0 with ``"log"``, between 0 and 1 with ``"logit"``, above 1
            with ``"logm1"``. One for all, or one for each.
        outcome: ``"real"``, ``"positive"``, ``"nonnegative"``, ``"unit"``, ``"count"``, ``"binary"`` or
            ``"successes"`` (of a number of trials).

    Raises:
        HmlmError: a name that is taken, an unknown link or outcome, or a distribution that cannot be made
            from these parameters.
    """
    _check_name(name)
    own = _parameters(tuple(dpars), links)
    kind = _kind(outcome)
    supports = {parameter.name: parameter.support for parameter in own}
    trials = kind is OutcomeKind.SUCCESSES
    moments = _moments(name, distribution, own, trials)
    law = law_from_numpyro(distribution, supports, moments, trials=trials, discrete=kind in DISCRETE)
    additions = ("weights", "trials") if trials else ("weights",)
    return make_family(name, *own, outcome=kind, mean_is_mu=False, additions=additions, custom=law)


def _check_name(name: str) -> None:
    if not isinstance(name, str) or not name.isidentifier():
        raise HmlmError(f"custom_family: name={name!r} must be a word such as 'gumbel'")
    if name in FAMILIES or name in ALIASES:
        raise HmlmError(f"custom_family: hmlm has a family {name!r} itself; choose another name")


def _parameters(dpars: tuple[str, ...], links: str | Sequence[str]) -> tuple[Dpar, ...]:
    if not dpars or dpars[0] != "mu":
        raise HmlmError(f"custom_family: dpars={dpars!r} must begin with 'mu'")
    whole = (links,) * len(dpars) if isinstance(links, str) else tuple(links)
    if len(whole) != len(dpars):
        raise HmlmError(f"custom_family: {len(dpars)} parameters {listed(dpars)} have {len(whole)} links")
    return tuple(_parameter(dpar, link) for dpar, link in zip(dpars, whole, strict=True))


def _parameter(dpar: str, link: str) -> Dpar:
    """With the default priors of the parameter of that name, or else of its support."""
    if link not in SUPPORTS:
        hint = did_you_mean(str(link), SUPPORTS)
        raise HmlmError(f"custom_family: {dpar} has the unknown link {link!r}, not {listed(SUPPORTS)}{hint}")
    support = SUPPORTS[link]
    if dpar == "mu":
        return Dpar("mu", support, (link,), intercept=None)
    known = KNOWN_PARAMETERS.get(dpar)
    if known is not None and known.support is support:
        return Dpar(dpar, support, (link,), known.prior, known.intercept)
    return Dpar(dpar, support, (link,), SUPPORT_PRIORS[support])


def _kind(outcome: str) -> OutcomeKind:
    if outcome not in KINDS:
        hint = did_you_mean(str(outcome), KINDS)
        raise HmlmError(f"custom_family: outcome={outcome!r}: choose one of {listed(KINDS)}{hint}")
    return KINDS[outcome]


def _moments(name: str, factory: Factory, own: tuple[Dpar, ...], trials: bool) -> tuple[str, ...]:
    """Which of mean and variance the distribution has; raises HmlmError where it cannot be made."""
    values = {p.name: LINKS[p.support.link].inverse(jnp.full(2, 0.4)) for p in own}
    known = {"trials": jnp.array([3, 3])} if trials else {}
    try:
        made = factory(**values, **known)
    except TypeError as error:
        raise HmlmError(
            f"custom_family {name!r}: the distribution is called with {listed([*values, *known])} by name, "
            f"and said: {error}"
        ) from error
    if not isinstance(made, dist.Distribution) or made.event_shape or made.batch_shape != (2,):
        raise HmlmError(
            f"custom_family {name!r}: distribution(...) must return a numpyro.distributions.Distribution of "
            f"one number per row, got {made!r}"
        )
    _check_sampler(name, made)
    return tuple(moment for moment in ("mean", "variance") if _has(made, moment))


def _check_sampler(name: str, made: dist.Distribution) -> None:
    try:
        made.sample(jax.random.key(0))
    except NotImplementedError as error:
        raise HmlmError(
            f"custom_family {name!r}: {type(made).__name__} cannot be sampled; give it a method sample(key, "
            "sample_shape)"
        ) from error


def _has(made: dist.Distribution, moment: str) -> bool:
    try:
        value = getattr(made, moment)
    except (NotImplementedError, AttributeError):
        return False
    return bool(jnp.all(jnp.isfinite(jnp.asarray(value))))
