"""What is kept of draws: by name, thinned, and only where it fits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.infer import named, room
from hmlm.infer.draws import Draws
from hmlm.infer.driver import sample
from hmlm.infer.keep import what_to_keep
from hmlm.infer.record import Recorder
from hmlm.infer.settings import Settings
from hmlm.types import HmlmError

from .small_model import small_model, table

CHAINS, N, THIN = 2, 24, 4


@pytest.fixture(scope="module")
def melsm() -> hm.Model:
    """Effects on the mean, which are integrated out, and on sigma, which are sampled."""
    rng = np.random.default_rng(1)
    data = pd.concat([table()] * 2, ignore_index=True).assign(w=rng.normal(size=80))
    return hm.model(hm.bf("y ~ 1 + x + (1 + w |c| g)", sigma="~ 1 + (1 |c| g)"), data)


def draws_of(model: hm.Model, n: int = N, seed: int = 0) -> Draws:
    """Draws that nobody sampled."""
    rng, density = np.random.default_rng(seed), model.log_density
    statistics = {name: rng.normal(size=(CHAINS, n)) for name in Draws._fields}
    return Draws(**statistics)._replace(
        position=density.initial + 0.1 * rng.normal(size=(CHAINS, n, density.size)),
        n_steps=rng.integers(1, 64, (CHAINS, n)).astype(np.int32),
        diverging=rng.random((CHAINS, n)) < 0.1,
    )


def recorder(model: hm.Model, **settings) -> Recorder:
    made = Settings(chains=CHAINS, draws=N, **settings)
    return Recorder(model.log_density, what_to_keep(model.spec, made.keep), made, slice(CHAINS), values=False)


def recorded(model: hm.Model, ends: list[int], **settings) -> dict[str, np.ndarray]:
    """Records of calls that ended there, one after the other."""
    makes, draws, carried, records = recorder(model, **settings), draws_of(model), {}, []
    for low, high in zip([0, *ends], [*ends, N], strict=True):
        part = Draws(*(leaf[:, low:high] for leaf in draws))
        record, carried = makes.record(part, low, carried)
        records.extend([record] if record else [])
    return {
        name: np.concatenate([record[name] for record in records], axis=2 if name == "values" else 1)
        for name in records[0]
    }


def test_calls_may_end_anywhere(melsm):
    settings = {"keep": ("b_x", "r_g", "sigma_nothing")[:2], "thin": THIN}
    whole = recorded(melsm, [], **settings)
    for ends in ([1, 2, 3], [5, 11], [7, 20, 23]):
        parts = recorded(melsm, ends, **settings)
        assert parts.keys() == whole.keys()
        for name in whole:
            np.testing.assert_array_equal(parts[name], whole[name], err_msg=f"{name}, {ends}")


def test_thinning_keeps_the_last_of_each_and_counts_every_gradient(melsm):
    draws, kept = draws_of(melsm), recorded(melsm, [7], thin=THIN)
    np.testing.assert_array_equal(kept["position"], draws.position[:, THIN - 1 :: THIN])
    np.testing.assert_array_equal(kept["lp"], draws.lp[:, THIN - 1 :: THIN])
    by_group = draws.n_steps.reshape(CHAINS, -1, THIN)
    np.testing.assert_array_equal(kept["n_steps"], by_group.sum(-1))
    np.testing.assert_array_equal(kept["longest"], by_group.max(-1))
    np.testing.assert_array_equal(kept["diverging"], draws.diverging.reshape(CHAINS, -1, THIN).any(-1))


def test_parameters_and_effects_are_those_of_the_density(melsm):
    density, draws = melsm.log_density, draws_of(melsm)
    kept = recorded(melsm, [9], keep=["b_sigma_Intercept", "sd_g__w", "r_g", "r_g__sigma"])
    wanted = density.constrain(draws.position)
    names = [name for name in density.names if name in ("b_sigma_Intercept", "sd_g__w")]
    np.testing.assert_allclose(kept["values"], [wanted[name] for name in names], rtol=1e-12)
    (effects,) = density.effects(draws.position, seed=0)
    np.testing.assert_allclose(kept["effects_0"], effects, rtol=1e-10, atol=1e-12)


def test_one_program_computes_any_number_of_draws(melsm):
    from hmlm.density.log_density import _constrain

    position = draws_of(melsm).position
    named.parameters_of(melsm.log_density, position)
    before = _constrain._cache_size()
    for n in (1, 5, N - 1):
        assert named.parameters_of(melsm.log_density, position[:, :n]).shape[2] == n
    assert _constrain._cache_size() == before


def test_an_unknown_name_teaches():
    with pytest.raises(HmlmError, match=r"no draws are called 'b_xx'; did you mean 'b_x'"):
        what_to_keep(small_model().spec, ("b_xx",))
    with pytest.raises(HmlmError, match="did you mean 'population'"):
        small_model().fit(keep="populatoin")


@pytest.mark.parametrize("keep", [(), 3, [3], None])
def test_keep_is_a_word_or_names(keep):
    with pytest.raises(HmlmError, match="keep="):
        Settings(keep=keep)


def test_thin_divides_draws():
    with pytest.raises(HmlmError, match="thin=3 .* say draws=999 or 1002"):
        Settings(draws=1000, thin=3)
    assert Settings(draws=1000, thin=4).n_kept == 250


def test_draws_that_do_not_fit_are_told_before_anything_is_sampled(monkeypatch):
    monkeypatch.setattr(room, "free_memory", lambda: 10**9)
    density = small_model().log_density
    settings = Settings(chains=1000, draws=100_000)
    message = (
        r"1000 chains of 100000 draws take \d+\.\d GB of memory, and 1.0 GB are free.*keep=\"population\""
    )
    with pytest.raises(HmlmError, match=message):
        sample(density, settings)


def test_a_containers_limit_counts(tmp_path, monkeypatch):
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable: 8000 kB\n")
    (tmp_path / "memory.max").write_text("5000000\n")
    (tmp_path / "memory.current").write_text("1000000\n")
    monkeypatch.setattr(room, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(room, "OF_CGROUPS", ((tmp_path, "memory.max", "memory.current"),))
    assert room.free_memory() == 4_000_000
    (tmp_path / "memory.max").write_text("max\n")
    assert room.free_memory() == 8000 * 1024
