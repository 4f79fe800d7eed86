"""Speed dating by hand states hmlm's model, under the same names; its text reaches every engine."""

from __future__ import annotations

from functools import cache
from importlib import import_module

import jax
import numpy as np
import pandas as pd
import pytest
from numpyro.infer.util import log_density

import gpu_benchmarks.peers as peers
import hmlm as hm
from gpu_benchmarks.by_hand import MODELS_BY_HAND, ByHand
from gpu_benchmarks.data import read_table, source_of, write_table
from gpu_benchmarks.dating_model import SPEED_DATING
from gpu_benchmarks.engines import ENGINES, pairs
from gpu_benchmarks.measurement import Settings
from gpu_benchmarks.stated import STATED

N_POINTS = 4


@cache
def dates() -> pd.DataFrame:
    """24 people who meet five each."""
    rng = np.random.default_rng(3)
    n = 120
    scores = {f"{name}_sc": rng.normal(size=n) for name in ("attractive", "sincere", "intelligent")}
    text = {
        "decision": rng.choice(["No", "Yes"], n),
        "samerace": rng.choice(["No", "Yes"], n),
        "sex": np.where(np.arange(n) < n / 2, "Female", "Male"),
    }
    return pd.DataFrame({**text, **scores, "iid": np.repeat(np.arange(1, 25), 5)})


@cache
def stated() -> hm.Model:
    return hm.model(STATED[SPEED_DATING].formula, dates(), **STATED[SPEED_DATING].options)


@cache
def by_hand() -> ByHand:
    return MODELS_BY_HAND[SPEED_DATING](dates())


def random_sites() -> dict[str, np.ndarray]:
    """Sites of the program by hand, (S, ...) each, around its starting values."""
    rng = np.random.default_rng(4)
    sites = {}
    for site, value in by_hand().start.items():
        noise = rng.normal(0, 0.3, (N_POINTS, *np.shape(value)))
        sites[site] = value * np.exp(noise) if site == "sd" else value + noise
    return sites


def hmlms_sites(sites: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same points as sites of hmlm's own program."""
    slopes = {f"b_{name}": sites["b"][:, k] for k, name in enumerate(stated_terms())}
    z = sites["z"][..., None]
    return {
        "centered_b_Intercept": sites["Intercept"],
        **slopes,
        "sd_iid__Intercept": sites["sd"],
        "z_iid": z,
    }


def stated_terms() -> list[str]:
    return [name.removeprefix("b_") for name in stated().log_density.names if name.startswith("b_")][1:]


def log_densities(program, arguments: dict, sites: dict[str, np.ndarray]) -> np.ndarray:
    """(S,) log densities of a program."""
    with jax.enable_x64(True):
        points = ({name: values[s] for name, values in sites.items()} for s in range(N_POINTS))
        return np.array([log_density(program, (), arguments, point)[0] for point in points])


def test_log_density_is_hmlms_up_to_a_constant():
    sites = random_sites()
    ours = log_densities(stated().numpyro_model, stated().model_kwargs, hmlms_sites(sites))
    theirs = log_densities(by_hand().program, by_hand().data, sites)
    assert np.ptp(ours) > 1
    np.testing.assert_allclose(theirs - ours, (theirs - ours)[0], atol=1e-8)


def test_parameters_are_named_as_in_hmlm():
    sites = random_sites()
    found = by_hand().named({site: values[None] for site, values in sites.items()})
    assert set(found) == set(stated().log_density.names)
    means = stated().design.predictors[0].population.matrix.mean(0)
    np.testing.assert_allclose(found["b_Intercept"][0], sites["Intercept"] - sites["b"] @ means)


def test_text_comes_back_from_the_file(tmp_path):
    write_table(dates(), tmp_path / "table.npz")
    pd.testing.assert_frame_equal(read_table(tmp_path / "table.npz"), dates(), check_dtype=False)


def test_only_speed_dating_has_its_own_table():
    assert source_of(SPEED_DATING, "williams") == SPEED_DATING
    assert source_of("m4", "simulated:8x10") == "simulated:8x10"


def test_an_engine_without_the_model_is_a_line():
    found, notes = pairs([SPEED_DATING, "m1"], ["hmlm", "pymc"])
    assert found == [(SPEED_DATING, "hmlm"), ("m1", "hmlm"), ("m1", "pymc")]
    assert notes == ["speed_dating is not measured with PyMC by hand, nutpie, which has no program for it"]


@pytest.mark.filterwarnings("ignore::hmlm.types.SamplingWarning")  # of few draws
@pytest.mark.parametrize("engine", ["hmlm", "numpyro"])
def test_an_engine_runs_it(engine):
    module = import_module(ENGINES[engine].module)
    with jax.enable_x64(True):
        measured = module.run(SPEED_DATING, dates(), Settings(100, 100, 1))
    assert set(measured.draws) == set(stated().log_density.names)
    assert measured.seconds.sampling > 0 and peers.sampling_rate([measured]) > 0
