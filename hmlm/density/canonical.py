"""The likelihood of Bernoulli, binomial and Poisson outcomes by a kernel for canonical links."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jax import Array
from scipy.special import gammaln

from hmlm.density.backend import Backend
from hmlm.density.data import ModelData, in_table_order, main_groups
from hmlm.density.linear import main_coefficients, stacked
from hmlm.density.parameters import Parameters
from hmlm.density.precision import double_precision
from hmlm.density.state import DensityData, Static
from hmlm.kernels.fused import fused
from hmlm.kernels.glm import Canonical, GlmTerms
from hmlm.kernels.native.glm import BundledGlm, bundle_glm, evaluate_glm
from hmlm.spec.spec import Spec
from hmlm.types import Design, Outcome

LINKS: Mapping[tuple[str, str], Canonical] = {
    ("bernoulli", "logit"): Canonical.LOGIT,
    ("binomial", "logit"): Canonical.LOGIT,
    ("poisson", "log"): Canonical.LOG,
}
SIZES = ("trials", "rate")  # the addition terms that say how large a row is
KNOWN = {*SIZES, "weights"}


def canonical_link(spec: Spec) -> Canonical | None:
    """The link of a model that the kernel knows, None for others."""
    alone = len(spec.outcomes) == 1 and len({b.factor for b in spec.blocks}) <= 1 and not spec.multiple
    plain = alone and spec.family.custom is None and set(spec.additions[0]) <= KNOWN
    return LINKS.get((spec.family.name, spec.family.links[0])) if plain else None


def make_canonical_data(static: Static, design: Design, model: ModelData) -> BundledGlm | None:
    """What the kernel reads; None where it does not compute the likelihood."""
    spec = static.spec
    if static.backend is not Backend.NATIVE or model.offsets or canonical_link(spec) is None:
        return None
    groups, columns = main_groups(spec, design, static.plan), in_table_order(model.columns, model)
    y, (weights, sizes) = design.outcomes[0].values, _rows(design.outcomes[0])
    constant = float(np.sum(weights * _constants(canonical_link(spec), y, sizes)))
    with double_precision():
        return bundle_glm(*groups, columns, weights * y, weights * sizes, constant)


def canonical_log_likelihood(
    static: Static, parameters: Parameters, u: list[Array], data: DensityData
) -> Array:
    """Log likelihood of all rows."""
    spec = static.spec
    found = main_coefficients(spec, 0, parameters, u, data.model)
    terms, point = GlmTerms(tuple(found), canonical_link(spec)), stacked(spec, data.model, found.values())
    return fused(evaluate_glm, terms, data.fused, point) + data.fused.constant


def _constants(link: Canonical, y: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(N,) what the log density of a row has beside what depends on eta."""
    if link is Canonical.LOGIT:
        return gammaln(sizes + 1) - gammaln(y + 1) - gammaln(sizes - y + 1)
    return y * np.log(sizes) - gammaln(y + 1)


def _rows(outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
    """(N,) weights, and trials or exposure, one where nothing is said."""
    ones = np.ones(len(outcome.values))
    sizes = next((outcome.additions[name] for name in SIZES if name in outcome.additions), ones)
    return outcome.additions.get("weights", ones), sizes
