"""Eight emulated devices in one process: every check that needs them, so that JAX starts only once."""

from __future__ import annotations

import jax
import numpy as np
from small_model import small_model

from gpu_benchmarks.hlo import collectives
from hmlm.density.precision import double_precision
from hmlm.infer.algorithm import make_algorithm
from hmlm.infer.draws import Draws
from hmlm.infer.driver import _arguments, _chain_keys, sample
from hmlm.infer.initial import starting_points
from hmlm.infer.placement import Placement, place
from hmlm.infer.program import compile_program
from hmlm.infer.settings import Settings

SHORT = {"chains": 8, "warmup": 100, "draws": 50, "seed": 3, "chunk": 50}


def drawn(**changed) -> np.ndarray:
    """(C, S, D) draws."""
    return sample(small_model().log_density, Settings(**{**SHORT, **changed})).draws.position


def check_any_number_of_devices_samples_the_same_posterior(found: dict[int, np.ndarray]) -> None:
    means = {n: draws.mean((0, 1)) for n, draws in found.items()}
    sd = found[1].std((0, 1))
    for n, mean in means.items():
        assert found[n].shape == found[1].shape
        assert len({chain.tobytes() for chain in found[n]}) == 8, n
        assert (np.abs(mean - means[1]) < sd).all(), (
            n
        )  # some 40 effective draws a parameter: 4 standard errors


def check_the_same_width_gives_the_same_draws(found: dict[int, np.ndarray]) -> None:
    """Two devices of two chains, by shard_map and by pmap; one chain alone on device or thread."""
    pairs = drawn(chains=4, devices=2)
    np.testing.assert_array_equal(pairs, drawn(chains=4, devices=2, parallel="pmap"))
    np.testing.assert_array_equal(found[8], found[1])


def check_chains_in_step_are_tuned_by_all_devices() -> None:
    """Each device tunes its chains by each other; at meetings all get the same, and go on from there."""
    for algorithm in ("chees", "meads"):
        settings = Settings(**{**SHORT, "chains": 32, "devices": 2, "algorithm": algorithm})
        draws = sample(small_model().log_density, settings).draws
        assert np.ptp(draws.step_size) == 0 and np.isfinite(draws.position).all()
        assert len({chain.tobytes() for chain in draws.position}) == 32


def check_sampling_talks_to_no_other_device() -> None:
    assert compiled_collectives(place(8, 8)) == []
    assert compiled_collectives(place(4, 2, "pmap")) == []
    assert collectives(summed()) != []


def compiled_collectives(placement: Placement) -> list[str]:
    density, settings = small_model().log_density, Settings(**{**SHORT, "chains": placement.chains})
    with double_precision():
        data = jax.device_put(density.data, placement.shared)
        points = starting_points(density, settings.chains, settings.seed)
        first = next(_arguments(placement, _chain_keys(settings), points))
        algorithm = make_algorithm(density, settings, placement.chains)
        program = compile_program(algorithm, placement, *first, data)
    return collectives(program.advance.as_text()) + collectives(program.start.as_text())


def summed() -> str:
    """A program that does talk."""
    mesh = place(8, 8).mesh
    spec = jax.sharding.PartitionSpec
    total = jax.shard_map(
        lambda x: jax.lax.psum(x, "chains"), mesh=mesh, in_specs=spec("chains"), out_specs=spec()
    )
    return jax.jit(total).lower(np.zeros((8, 3), np.float32)).compile().as_text()


def check_tuning_shared_on_a_device_goes_through() -> None:
    """A state with leaves of length one per device, as algorithms with shared tuning have."""
    with double_precision():
        for parallel in ("shard_map", "pmap"):
            placement = place(8, 4, parallel)
            keys = jax.device_put(np.zeros((8, 2), np.uint32), placement.per_chain)
            points = jax.device_put(np.arange(8.0)[:, None], placement.per_chain)
            data = jax.device_put(np.float64(1.0), placement.shared)
            program = compile_program(Shared(), placement, keys, points, data)
            state, _ = program.advance(program.start(keys, points, data), data, np.int32(3))
            np.testing.assert_array_equal(state["sums"], [4, 8, 12, 16])
            state = placement.put(jax.tree.map(np.asarray, state))
            state, _ = program.advance(state, data, np.int32(3))
            assert state["none"].shape == (8, 0)


class Shared:
    """Adds the chains of a device up."""

    chunk, meetings = 5, ()

    def start(self, keys, positions, data):
        return {"positions": positions, "none": positions[:, :0], "sums": positions.sum(0) * 0}

    def advance(self, state, data, n):
        moved = {**state, "sums": state["sums"] + state["positions"].sum(0) + n * data}
        statistic = state["positions"]
        return moved, Draws(*(statistic for _ in Draws._fields))


if __name__ == "__main__":
    assert len(jax.devices()) == 8
    by_devices = {n: drawn(devices=n) for n in (1, 2, 8)}
    check_any_number_of_devices_samples_the_same_posterior(by_devices)
    check_the_same_width_gives_the_same_draws(by_devices)
    check_chains_in_step_are_tuned_by_all_devices()
    check_sampling_talks_to_no_other_device()
    check_tuning_shared_on_a_device_goes_through()
    print("checked")
