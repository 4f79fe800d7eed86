"""Standard deviations that differ between levels: every effect is ``d`` times one whose covariance is shared.

    u_jq = d_jq v_jq        log d_jq = w_j'gamma        v_j ~ N(0, LL')

So whatever is known of u is known of v after scaling by level, ``F -> DFD`` and ``g -> Dg``; v is sampled or
integrated out as if standard deviations were shared, and its draws are scaled back.

References:
    Hedeker, Mermelstein & Demirtas (2008), doi:10.1111/j.1541-0420.2007.00924.x
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from hmlm.density.data import ModelData
from hmlm.density.moments import Moments, Rest
from hmlm.density.parameters import Parameters
from hmlm.density.plan import Plan
from hmlm.kernels.fusing import product
from hmlm.spec.spec import Spec


def level_scales(spec: Spec, b: int, parameters: Parameters, data: ModelData) -> Array | None:
    """(Q, J) factors d of a block's standard deviations by level; None where they are the same in all."""
    covering = {q: s for s, part in enumerate(spec.sds) for block, q in part.terms if block == b}
    if not covering:
        return None
    own = {s: jnp.exp(log_ratio(parameters.gamma[s], data.sds[s].centred)) for s in set(covering.values())}
    ones = jnp.ones_like(next(iter(own.values())))
    return jnp.stack([own[covering[q]] if q in covering else ones for q in range(spec.blocks[b].size)])


def log_ratio(gamma: Array, columns: Array) -> Array:
    """(J,) ``w_j'gamma`` from (W,) and (W, J)."""
    return product(gamma[None], columns)[0]


def integrated_scales(
    spec: Spec, plan: Plan, factor: int, parameters: Parameters, data: ModelData
) -> list[Array]:
    """(J,) scales of every coefficient of a factor that is integrated out."""
    terms = plan.integrated(spec, factor)
    scales = {b: level_scales(spec, b, parameters, data) for b in {b for b, _ in terms}}
    ones = jnp.ones(spec.factors[factor].n_levels, data.columns.dtype)
    return [ones if (scale := scales[b]) is None else scale[q] for b, q in terms]


def scaled_moments(
    spec: Spec, plan: Plan, moments: Moments, parameters: Parameters, data: ModelData
) -> Moments:
    """The quadratic form in effects over their scales, of what was one in the effects."""
    if not spec.sds or not plan.factors:
        return moments
    known = [integrated_scales(spec, plan, f, parameters, data) for f in plan.factors]
    local = jnp.stack([d for i in range(len(plan.local)) for d in _by_first(known[i], i, data)])
    return moments._replace(
        precision=moments.precision * local[:, None] * local[None],
        score=moments.score * local,
        rest=None if moments.rest is None else _scaled_rest(moments.rest, known, local),
    )


def _by_first(scales: list[Array], i: int, data: ModelData) -> list[Array]:
    """Scales of the i-th nested factor by level of the first."""
    for parents in reversed(data.parents[:i]):
        scales = [parents.expand(scale) for scale in scales]
    return scales


def _scaled_rest(rest: Rest, known: list[list[Array]], local: Array) -> Rest:
    others = jnp.concatenate([d for scales in known[1:] for d in scales])
    return Rest(
        cross=rest.cross * others[:, None, None] * local[None],
        precision=rest.precision * others[:, None] * others[None],
        score=rest.score * others,
    )
