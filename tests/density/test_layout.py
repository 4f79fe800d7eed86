"""Every coordinate belongs to exactly one parameter."""

import numpy as np
import pytest

from hmlm.density.layout import make_layout

from ..helpers import DESIGNS, stated


def covered(spans) -> np.ndarray:
    return np.concatenate([np.arange(span.start, span.stop) for span in spans])


@pytest.mark.parametrize("name", DESIGNS)
def test_spans_cover_each_coordinate_once(name):
    layout = make_layout(stated(name).spec)
    scalars = (*layout.intercept, *layout.b, *layout.sigma, *layout.sd)
    population = (*scalars, *layout.cor, layout.rescor)
    np.testing.assert_array_equal(np.sort(covered(scalars)), np.arange(layout.n_scalars))
    np.testing.assert_array_equal(np.sort(covered(population)), np.arange(layout.n_population))
    np.testing.assert_array_equal(np.sort(covered((*population, *layout.effects))), np.arange(layout.size))
    np.testing.assert_array_equal(covered(run.span for run in layout.runs), np.arange(layout.n_scalars))


@pytest.mark.parametrize("name", DESIGNS)
def test_runs_hold_the_priors_of_their_coordinates(name):
    spec = stated(name).spec
    layout = make_layout(spec)
    at = {c: (run.prior, run.positive) for run in layout.runs for c in range(run.span.start, run.span.stop)}
    for p, predictor in enumerate(spec.predictors):
        assert [at[c] for c in covered(layout.b[p : p + 1])] == [(prior, False) for prior in predictor.priors]
        if predictor.intercept is not None:
            assert at[layout.intercept[p].start] == (predictor.intercept, False)
    for span, prior in zip(layout.sigma, spec.sigma, strict=True):
        assert [at[c] for c in covered([span])] == ([] if prior is None else [(prior, True)])
    for span, block in zip(layout.sd, spec.blocks, strict=True):
        assert [at[c] for c in covered([span])] == [(prior, True) for prior in block.sd]
