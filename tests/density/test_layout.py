"""Every coordinate belongs to exactly one parameter."""

import numpy as np
import pytest

from hmlm.density.layout import make_layout
from hmlm.density.plan import sampled_plan
from hmlm.spec.distribution import FLAT
from hmlm.spec.shrinkage import is_shrinkage
from hmlm.spec.support import Support

from ..helpers import DESIGNS, stated


def covered(spans) -> np.ndarray:
    return np.concatenate([np.arange(span.start, span.stop) for span in spans])


@pytest.mark.parametrize("name", DESIGNS)
def test_spans_cover_each_coordinate_once(name):
    layout = make_layout(stated(name).spec, sampled_plan(stated(name).spec))
    scalars = (*layout.intercept, *layout.b, *layout.constants, *layout.sd, *layout.gamma)
    scalars = (*scalars, *layout.sds, *layout.shrinkage)
    population = (*scalars, layout.thresholds, *layout.cor, layout.rescor, layout.cortime)
    np.testing.assert_array_equal(np.sort(covered(scalars)), np.arange(layout.n_scalars))
    np.testing.assert_array_equal(np.sort(covered(population)), np.arange(layout.n_population))
    np.testing.assert_array_equal(np.sort(covered((*population, *layout.effects))), np.arange(layout.size))
    np.testing.assert_array_equal(covered(run.span for run in layout.runs), np.arange(layout.n_scalars))


@pytest.mark.parametrize("name", DESIGNS)
def test_runs_hold_the_priors_of_their_coordinates(name):
    spec = stated(name).spec
    layout = make_layout(spec, sampled_plan(spec))
    at = {c: (run.prior, run.support) for run in layout.runs for c in range(run.span.start, run.span.stop)}
    for p, predictor in enumerate(spec.predictors):
        slopes = covered(layout.b[p : p + 1])[: len(predictor.names)]
        assert [at[c] for c in slopes] == [
            (FLAT if is_shrinkage(one) else one, Support.REAL) for one in predictor.priors
        ]
        if predictor.intercept is not None:
            assert at[layout.intercept[p].start] == (predictor.intercept, Support.REAL)
    for span, constant in zip(layout.constants, spec.scalars, strict=True):
        assert [at[c] for c in covered([span])] == [(constant.prior, constant.support)]
    for span, block in zip(layout.sd, spec.blocks, strict=True):
        assert [at[c] for c in covered([span])] == [
            (prior, Support.POSITIVE) for prior in block.sd[: block.n_sd]
        ]
    smooths = [smooth for predictor in spec.predictors for smooth in predictor.smooths]
    for span, smooth in zip(layout.sds, smooths, strict=True):
        assert [at[c] for c in covered([span])] == [(smooth.prior, Support.POSITIVE)]
    for span, part in zip(layout.gamma, spec.sds, strict=True):
        assert [at[c] for c in covered([span])] == [(prior, Support.REAL) for prior in part.priors]
    for span, predictor in zip(layout.shrinkage, spec.predictors, strict=True):
        made_of = predictor.shrinkage.coordinates if predictor.shrinkage else ()
        assert [at[c] for c in covered([span])] == list(made_of)
