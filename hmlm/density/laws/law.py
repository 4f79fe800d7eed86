"""What the mathematics of a family consists of.

``theta`` maps each distributional parameter to its :class:`hmlm.density.links.Theta`, arrays over rows;
``extra`` has the addition terms that the law reads, ``{"trials": …}``. Derivatives are by the unbounded
coordinate xi of each parameter (:mod:`hmlm.density.links`), so that they do not depend on the link.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jax import Array

from hmlm.density.links import Theta

Thetas = Mapping[str, Theta]
Extra = Mapping[str, Array]
OfOutcome = Callable[[Array, Thetas, Extra], Array]
OfParameters = Callable[[Thetas, Extra], Array]


@dataclass(frozen=True, eq=False)
class Law:
    """A family's mathematics, row by row.

    Attributes:
        log_density: of an outcome.
        score: by distributional parameter, the derivative of the log density by its xi.
        mean: expected outcome.
        variance: of the outcome.
        simulate: key, theta, extra, shape -> outcomes.
        numpyro: theta, extra -> NumPyro's distribution, the independent statement of the same.
        information: by distributional parameter, the expected Fisher information on its xi where it has a
            closed form; the others are found by simulation.
        cross: expected information between two parameters where it is not zero, or not neglected.
        start: outcome, extra -> by distributional parameter a first guess on its natural scale, by row or one
            for all; those not named start where xi is zero.
        log_cdf: log probability of an outcome of at most y, None where it has no useful form.
        log_sf: log probability of an outcome above y.
        probabilities: of a family of levels, (K, ...) probabilities of the levels; None of others.
        discrete: whether outcomes are counts or codes.
    """

    log_density: OfOutcome
    score: Callable[[Array, Thetas, Extra], Mapping[str, Array]]
    mean: OfParameters
    variance: OfParameters
    simulate: Callable[[Array, Thetas, Extra, tuple[int, ...]], Array]
    numpyro: Callable[[Thetas, Extra], Any]
    start: Callable[[Array, Extra], Mapping[str, Array]]
    information: Mapping[str, OfParameters] = field(default_factory=dict)
    cross: Mapping[tuple[str, str], OfParameters] = field(default_factory=dict)
    log_cdf: OfOutcome | None = None
    log_sf: OfOutcome | None = None
    probabilities: OfParameters | None = None
    discrete: bool = False
