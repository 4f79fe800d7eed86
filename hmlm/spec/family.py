"""What a family is: its distributional parameters, links, defaults and the outcomes it takes.

Pure data. The mathematics of each family, its density and what follows from it, is in
:mod:`hmlm.density.laws` under the same name.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hmlm.spec.hint import did_you_mean, listed
from hmlm.spec.support import Support
from hmlm.types import Distribution, HmlmError


class OutcomeKind(enum.Enum):
    """The outcomes a family takes, in words for messages."""

    REAL = "numbers"
    POSITIVE = "numbers above 0"
    NONNEGATIVE = "numbers of at least 0"
    UNIT = "numbers between 0 and 1, both excluded"
    COUNT = "whole numbers of at least 0"
    BINARY = "0 and 1, or two levels"
    LEVELS = "levels: text, categories or whole numbers"
    SUCCESSES = "whole numbers from 0 to the number of trials: write `y | trials(n) ~ …`"


LABELLED = (OutcomeKind.BINARY, OutcomeKind.LEVELS)


@dataclass(frozen=True)
class Dpar:
    """A distributional parameter.

    Attributes:
        name: brms's, ``"mu"``.
        support: where it may lie.
        links: the links a formula of it may have, the default first.
        prior: default prior where it is one number for all rows; None for mu, which always has a formula, and
            for sigma, whose default comes from the outcome.
        intercept: default prior of its intercept where it has a formula; None for mu.
        fixed: its value where it has no formula, None if it is estimated then.
        coef: number of a threshold, what its prior has as ``coef``.
    """

    name: str
    support: Support
    links: tuple[str, ...]
    prior: Distribution | None = None
    intercept: Distribution | None = Distribution("student_t", (3.0, 0.0, 2.5))
    fixed: float | None = None
    coef: str = ""


@dataclass(frozen=True)
class Family:
    """A response distribution.

    Attributes:
        name: brms's name.
        parameters: distributional parameters, ``mu`` first.
        links: link of each parameter where it has a formula; same order.
        outcome: what outcomes it takes.
        normal: whether the outcome, or its logarithm, is normal with mean mu and standard deviation sigma.
        log_outcome: whether it is a distribution of the logarithm of the outcome.
        mean_is_mu: whether mu is the expected outcome.
        multivariate: whether several outcomes may have a residual correlation.
        additions: the addition terms its outcomes may have.
        latent: whether mu is a location on the scale of its link, which maps it to probabilities of levels.
        levels: of the outcome, in order; () before it has met its outcome (:mod:`hmlm.spec.levels`).
        custom: the law of a family that users made, None for those of hmlm.
    """

    name: str
    parameters: tuple[Dpar, ...]
    links: tuple[str, ...]
    outcome: OutcomeKind
    normal: bool = False
    log_outcome: bool = False
    mean_is_mu: bool = True
    multivariate: bool = False
    additions: tuple[str, ...] = ("weights", "cens", "trunc")
    latent: bool = False
    levels: tuple[str, ...] = ()
    custom: Any = None

    @property
    def dpars(self) -> tuple[str, ...]:
        """Names of the distributional parameters."""
        return tuple(parameter.name for parameter in self.parameters)

    def parameter(self, dpar: str) -> Dpar:
        """The distributional parameter of a name."""
        return self.parameters[self.dpars.index(dpar)]

    @property
    def labelled(self) -> bool:
        """Whether outcomes may be text or categories, as codes from 0; true and false may always."""
        return self.outcome in LABELLED

    @property
    def thresholds(self) -> tuple[Dpar, ...]:
        """The parameters that lie between neighbouring levels, in order."""
        return tuple(p for p in self.parameters if p.support is Support.ORDERED)

    @property
    def locations(self) -> tuple[str, ...]:
        """Names of the parameters that a formula of the outcome is for: ``("mu",)``, or one per category."""
        latent = tuple(p.name for p in self.parameters if p.support is Support.REAL)
        return latent if self.latent else ("mu",)

    @property
    def modelled(self) -> tuple[str, ...]:
        """Names of the parameters that may have a formula."""
        return tuple(p.name for p in self.parameters if p.support is not Support.ORDERED)

    def link(self, dpar: str) -> str:
        """Link of ``dpar`` where it has a formula."""
        return self.links[self.dpars.index(dpar)]

    def row_link(self, dpar: str) -> str:
        """Link from its linear predictor to the parameter as the law reads it."""
        return "identity" if self.latent and self.parameter(dpar).support is Support.REAL else self.link(dpar)

    def __call__(self, link: str | None = None, **links: str) -> Family:
        """The family with other links: ``bernoulli(link="probit")``, ``student(link_sigma="identity")``.

        Raises:
            HmlmError: no such parameter, or a link it cannot have.
        """
        asked = {"mu": link} if link is not None else {}
        for name, value in links.items():
            asked[name.removeprefix("link_")] = value
        return with_links(self, asked)

    def __str__(self) -> str:
        return self.name


def make_family(name: str, *parameters: Dpar, outcome: OutcomeKind, **rest: Any) -> Family:
    """A family with the default link of every parameter."""
    return Family(name, parameters, tuple(p.links[0] for p in parameters), outcome, **rest)


def with_links(family: Family, asked: Mapping[str, str]) -> Family:
    """The family with the links asked for by parameter."""
    for dpar, link in asked.items():
        if dpar not in family.dpars:
            hint = did_you_mean(dpar, family.dpars)
            raise HmlmError(
                f"the family {family.name} has no parameter {dpar!r}, only {listed(family.dpars)}{hint}"
            )
        allowed = family.parameter(dpar).links
        if link not in allowed:
            hint = did_you_mean(str(link), allowed)
            raise HmlmError(f"{family.name}: {dpar} has no link {link!r}, only {listed(allowed)}{hint}")
    links = tuple(asked.get(p.name, link) for p, link in zip(family.parameters, family.links, strict=True))
    return replace(family, links=links)
