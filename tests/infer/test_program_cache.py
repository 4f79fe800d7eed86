"""Compiled programs outlive the process, and the user's own settings of JAX stay as they are."""

import json
import os
import subprocess
import sys
import threading

import jax
import jax.numpy as jnp
import pytest
from jax.experimental.compilation_cache.compilation_cache import reset_cache

from hmlm.infer.cache_folder import kept_bytes
from hmlm.infer.program_cache import DIR, kept_programs, reason_for_none

NAMES = (DIR, "jax_persistent_cache_min_compile_time_secs", "jax_persistent_cache_min_entry_size_bytes")
FIT = """
import json, time, warnings
import jax
counts = {}
jax.monitoring.register_event_listener(lambda name, **_: counts.update({name: counts.get(name, 0) + 1}))
import hmlm as hm
from hmlm.datasets import simulate_cafes
from hmlm.datasets.cafes import CAFES_FORMULA
before = jax.config.values.copy()
warnings.simplefilter("error")
warnings.simplefilter("ignore", hm.SamplingWarning)
began = time.perf_counter()
fit = hm.fit(CAFES_FORMULA, simulate_cafes(1, 5, 4), chains=1, warmup=5, draws=5, progress=False)
print(json.dumps({
    "hits": counts.get("/jax/compilation_cache/cache_hits", 0),
    "misses": counts.get("/jax/compilation_cache/cache_misses", 0),
    "seconds": dict(fit.info.seconds)["compile"],
    "mean": float(fit.posterior["b_Intercept"].mean()),
    "changed": [name for name, value in before.items() if jax.config.values[name] != value],
}))
"""


def fitted(**variables):
    """What a process of its own says about a fit."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("JAX_", "HMLM_C"))}
    out = subprocess.run(
        [sys.executable, "-c", FIT], capture_output=True, text=True, env=known | variables, check=False
    )
    assert out.returncode == 0, out.stderr
    return json.loads(out.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("cache"))
    return [fitted(HMLM_CACHE_DIR=folder) for _ in range(2)]


def test_a_second_process_compiles_nothing(twice):
    first, second = twice
    assert first["misses"] > 10
    assert second["misses"] == 0
    assert second["hits"] >= first["misses"]
    assert second["seconds"] < 0.7 * first["seconds"]


def test_kept_programs_give_the_same_draws(twice):
    assert twice[0]["mean"] == twice[1]["mean"]


def test_no_setting_of_jax_stays_changed(twice):
    assert [found["changed"] for found in twice] == [[], []]


def test_a_folder_that_cannot_be_written_fails_no_fit(tmp_path, twice):
    blocked = tmp_path / "file"
    blocked.write_text("")
    found = fitted(HMLM_CACHE_DIR=str(blocked))
    assert found["hits"] == found["misses"] == 0
    assert found["mean"] == twice[0]["mean"]


@pytest.fixture
def unconfigured(tmp_path, monkeypatch):
    """JAX as it is where the user has configured no cache; entries go below ``tmp_path``."""
    monkeypatch.setenv("HMLM_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("HMLM_COMPILATION_CACHE", raising=False)
    own = getattr(jax.config, DIR)
    jax.config.update(DIR, None)
    reset_cache()
    yield
    jax.config.update(DIR, own)
    reset_cache()


def compile_something(number: float) -> None:
    jax.jit(lambda x: jnp.sin(x) * number)(1.0)


def test_only_programs_compiled_within_are_kept(unconfigured):
    compile_something(1.5)
    assert kept_bytes() == 0
    with kept_programs():
        compile_something(2.5)
    size = kept_bytes()
    assert size > 0
    compile_something(3.5)
    assert kept_bytes() == size


def test_the_last_to_leave_switches_it_off_also_after_an_error(unconfigured):
    before = [getattr(jax.config, name) for name in NAMES]
    with pytest.raises(KeyboardInterrupt), kept_programs():
        with kept_programs():
            pass
        assert getattr(jax.config, DIR) is not None
        raise KeyboardInterrupt
    assert [getattr(jax.config, name) for name in NAMES] == before


def test_threads_share_it(unconfigured):
    inside, done = threading.Event(), threading.Event()

    def other():
        with kept_programs():
            inside.set()
            done.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(10)
    with kept_programs():
        pass
    assert getattr(jax.config, DIR) is not None
    done.set()
    thread.join()
    assert getattr(jax.config, DIR) is None


def test_what_the_user_sets_meanwhile_stays(unconfigured, tmp_path):
    own = str(tmp_path / "mine")
    with kept_programs():
        jax.config.update(DIR, own)
    assert getattr(jax.config, DIR) == own


def test_a_cache_of_the_users_is_left_alone(unconfigured, tmp_path):
    jax.config.update(DIR, str(tmp_path / "mine"))
    assert "as you configured" in reason_for_none()
    with kept_programs():
        assert getattr(jax.config, DIR) == str(tmp_path / "mine")


@pytest.mark.parametrize("word", ["off", "0", " False"])
def test_it_can_be_switched_off(unconfigured, monkeypatch, word):
    monkeypatch.setenv("HMLM_COMPILATION_CACHE", word)
    assert "HMLM_COMPILATION_CACHE" in reason_for_none()
    with kept_programs():
        assert getattr(jax.config, DIR) is None


def test_jax_without_a_cache_stays_so(unconfigured):
    jax.config.update("jax_enable_compilation_cache", False)
    try:
        with kept_programs():
            assert getattr(jax.config, DIR) is None
    finally:
        jax.config.update("jax_enable_compilation_cache", True)
