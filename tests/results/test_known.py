"""Fits with a known covariance between levels: recovered, predicted for relatives, stored, described."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import block_diag

import hmlm as hm
from hmlm.cli.fit import read_matrices
from hmlm.cli.model_file import read_model_file
from hmlm.formula.known import read_known
from hmlm.results.matrices import data_hash
from hmlm.results.report.mathematics import model_parts
from hmlm.results.report.words import notation, sentence
from hmlm.results.updating import changes_of
from hmlm.types import DataError, HmlmError

pytestmark = pytest.mark.filterwarnings("ignore::hmlm.types.SamplingWarning")  # few draws
FAMILIES, SIBLINGS, EACH = 30, 4, 3
FORMULA = "y ~ 1 + (1 | gr(id, cov = A))"
SD, SIGMA = 1.5, 0.7


def relatedness() -> pd.DataFrame:
    """Siblings correlate 0.8; one more of each of two families, and a stranger, have no rows."""
    family = np.append(np.repeat(np.arange(FAMILIES), SIBLINGS), [0, 1, FAMILIES])
    A = 0.8 * (family[:, None] == family) + 0.2 * np.eye(len(family))
    names = [f"i{n:03d}" for n in range(FAMILIES * SIBLINGS)] + ["sister", "brother", "stranger"]
    return pd.DataFrame(A, names, names)


A = relatedness()
N_LEVELS = FAMILIES * SIBLINGS


@pytest.fixture(scope="module")
def truth():
    rng = np.random.default_rng(4)
    return SD * np.linalg.cholesky(A.to_numpy()[:N_LEVELS, :N_LEVELS]) @ rng.normal(size=N_LEVELS)


@pytest.fixture(scope="module")
def data(truth):
    rng = np.random.default_rng(5)
    index = np.repeat(np.arange(N_LEVELS), EACH)
    y = 2.0 + truth[index] + SIGMA * rng.normal(size=len(index))
    return pd.DataFrame({"y": y, "id": A.index[index]})


@pytest.fixture(scope="module")
def fit(data):
    return hm.fit(FORMULA, data, data2={"A": A}, chains=2, warmup=200, draws=400, seed=1)


def test_parameters_and_effects_are_recovered(fit, truth):
    assert fit.info.density == f"id: 1 x {N_LEVELS} effects integrated out exactly"
    for name, value in {"sd_id__Intercept": SD, "sigma": SIGMA, "b_Intercept": 2.0}.items():
        draws = fit.posterior[name]
        assert abs(float(draws.mean()) - value) < 3.5 * float(draws.std())
    effects = fit.effects["r_id"].sel(term="Intercept")
    error = (effects.mean(("chain", "draw")).values - truth) / effects.std(("chain", "draw")).values
    assert np.abs(error).max() < 4.5
    assert 0.8 < np.sqrt(np.mean(error**2)) < 1.3
    assert "gr(id, cov = A)" in repr(fit)


def test_known_levels_in_new_data(fit, data):
    assert_allclose(np.asarray(fit.epred(data.iloc[:4])), np.asarray(fit.epred())[..., :4], rtol=1e-10)


def test_new_levels_follow_their_relatives(fit):
    new = pd.DataFrame({"id": ["stranger", "sister", "brother"]})
    effects = fit.effects["r_id"].sel(term="Intercept").values.reshape(-1, N_LEVELS)
    drawn = np.asarray(fit.epred(new, allow_new_levels=True)).reshape(-1, 3)
    drawn = drawn - fit.posterior["b_Intercept"].values.reshape(-1, 1)
    sd = fit.posterior["sd_id__Intercept"].values.ravel()
    gain = 0.8 / (0.2 + 0.8 * SIBLINGS)
    for column, family in ((1, 0), (2, 1)):
        expected = gain * effects[:, SIBLINGS * family : SIBLINGS * (family + 1)].sum(1)
        z = (drawn[:, column] - expected) / (sd * np.sqrt(1.0 - 0.8 * gain * SIBLINGS))
        assert abs(z.mean()) < 4 / np.sqrt(len(z))
        assert abs(z.std() - 1.0) < 4 / np.sqrt(2 * len(z))
    assert abs((drawn[:, 0] / sd).std() - 1.0) < 4 / np.sqrt(2 * len(sd))
    alone = np.asarray(fit.epred(new.iloc[1:2], allow_new_levels=True)).ravel()
    assert_allclose(alone, np.asarray(fit.epred(new, allow_new_levels=True)).reshape(-1, 3)[:, 1])


def test_a_new_level_that_the_matrix_does_not_name(fit):
    with pytest.raises(HmlmError, match="new level 'x', which the known covariance 'A' does not name"):
        fit.epred(pd.DataFrame({"id": ["x"]}), allow_new_levels=True)


def test_levels_are_not_left_out_alone(fit):
    with pytest.raises(HmlmError, match="levels of 'id' depend on each other"):
        fit.loo(group="id")


def test_saved(fit, tmp_path, data):
    fit.save(tmp_path / "fit.nc", effects=False)
    loaded = hm.load_fit(tmp_path / "fit.nc")
    assert loaded.design.known == fit.design.known
    assert_allclose(loaded.effects["r_id"].values, fit.effects["r_id"].values, atol=1e-8)
    new = pd.DataFrame({"id": ["sister", "i003"]})
    both = [np.asarray(one.epred(new, allow_new_levels=True)) for one in (loaded, fit)]
    assert_allclose(*both, atol=1e-8)
    assert_allclose(loaded.log_lik().values, fit.log_lik().values, atol=1e-8)


def test_an_update_keeps_the_matrix_and_a_changed_one_is_noticed(fit):
    kept = changes_of(fit, None, None, None, {"draws": 7})
    assert kept.model["data2"]["A"] is fit.design.known[0]
    other = pd.DataFrame(np.eye(len(A)), A.index, A.index)
    changed = changes_of(fit, None, None, None, {"data2": {"A": other}})
    assert changed.model["data2"]["A"] is other
    assert "data2" not in changed.run
    design = replace(fit.design, known=(read_known("A", other),))
    assert data_hash(design) != data_hash(fit.design) == data_hash(replace(design, known=fit.design.known))


@pytest.mark.nightly
def test_updated(fit, tmp_path, capsys):
    settings = {"warmup": 10, "draws": 10, "chains": 1, "file": tmp_path / "kept.nc"}
    again = fit.update(**settings)
    assert again.design.known[0].levels == tuple(A.index)
    fit.update(**settings)
    assert "instead of sampling" in capsys.readouterr().err
    other = pd.DataFrame(np.eye(len(A)), A.index, A.index)
    changed = fit.update(data2={"A": other}, **settings)
    assert "data changed" in capsys.readouterr().err
    assert changed.design.known[0].matrix[0, 1] == 0.0


@pytest.mark.nightly
def test_sampled_effects_agree(fit, data):
    sampled = hm.fit(
        FORMULA, data, data2={"A": A}, density="informed", chains=2, warmup=200, draws=300, seed=2
    )
    assert "sampled in informed" in sampled.info.density
    for name in ("sd_id__Intercept", "sigma", "b_Intercept"):
        one, other = fit.posterior[name], sampled.posterior[name]
        assert abs(float(one.mean() - other.mean())) < 0.4 * float(one.std())
        assert 0.75 < float(one.std() / other.std()) < 1.35
    means = [f.effects["r_id"].mean(("chain", "draw")).values.ravel() for f in (fit, sampled)]
    assert np.corrcoef(*means)[0, 1] > 0.995


def test_in_words_and_symbols(fit):
    spec, design = fit.spec, fit.design
    assert f"varies by id ({N_LEVELS} levels with the known covariance A)" in sentence(spec, ("y",), 360)
    assert any(note.startswith("A is the known covariance") for note in notation(spec, design))
    (effects,) = (p.mathml for p in model_parts(spec, ("y",)) if p.title == "Group effects")
    assert "<mi>A</mi>" in effects or ">A<" in effects


def test_model_file(tmp_path, data):
    (tmp_path / "model.yaml").write_text(f'formula: "{FORMULA}"\ndata2: {{A: relatedness.csv}}\n')
    A.to_csv(tmp_path / "relatedness.csv")
    stated = read_model_file(tmp_path / "model.yaml")
    found = read_matrices(stated.data2, tmp_path)
    assert_allclose(hm.model(FORMULA, data, data2=found).design.known[0].matrix, A)
    with pytest.raises(DataError, match="data2: cannot read"):
        read_matrices({"A": "nowhere.csv"}, tmp_path)


@pytest.mark.nightly
def test_draws_of_the_prior_have_the_covariance(data):
    prior = [
        hm.prior("normal(0, 1)", class_="Intercept"),
        hm.prior("uniform(0.999, 1.001)", class_="sd"),
    ]
    few = block_diag(*[np.array([[1.0, 0.8], [0.8, 1.0]])] * 2)
    small = pd.DataFrame({"y": [1.0, 2.0, 3.0, 5.0], "id": list("abcd")})
    model = hm.model(FORMULA, small, data2={"A": (few, list("abcd"))}, prior=prior)
    effects = model.sample_prior(draws=2000, seed=1).effects["r_id"].values.reshape(-1, 4)
    assert_allclose(np.cov(effects.T), few, atol=0.12)
