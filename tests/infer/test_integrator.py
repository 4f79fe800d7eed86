"""Steps are reversible, keep volumes, err with the square of their length; one of two stages errs less."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hmlm.density.precision import double_precision
from hmlm.infer.integrator import Place, Point, gradients_per_step, leapfrog, move_in, two_stages

MOVES = {"leapfrog": leapfrog, "two stages": two_stages}
SIZE = 3


def log_density(x):
    return -jnp.sum(jnp.cosh(x)) + 0.3 * x[0] * x[1]


def evaluate(offset):
    value, gradient = jax.value_and_grad(log_density)(offset)
    return Place(offset, value, gradient), gradient


def start(seed: int) -> Point:
    offset, momentum = np.random.default_rng(seed).normal(size=(2, SIZE))
    return Point(jnp.asarray(offset), jnp.asarray(momentum), jax.grad(log_density)(jnp.asarray(offset)))


def energy(point: Point) -> float:
    return float(0.5 * point.momentum @ point.momentum - log_density(point.offset))


def travelled(move, point: Point, length: float, n_steps: int) -> Point:
    for _ in range(n_steps):
        _, point = move(evaluate, 0.5 * length / n_steps, point)
    return point


@pytest.fixture(autouse=True)
def _double():
    with double_precision():
        yield


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_turned_round_it_goes_back(move):
    before = start(0)
    place, after = move(evaluate, 0.35, before)
    np.testing.assert_array_equal(place.position, after.offset)
    np.testing.assert_allclose(after.gradient, jax.grad(log_density)(after.offset), rtol=1e-12)
    _, back = move(evaluate, 0.35, after._replace(momentum=-after.momentum))
    np.testing.assert_allclose(back.offset, before.offset, atol=1e-14)
    np.testing.assert_allclose(back.momentum, -before.momentum, atol=1e-14)


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_volumes_are_kept(move):
    def moved(both):
        offset, momentum = both[:SIZE], both[SIZE:]
        _, after = move(evaluate, 0.35, Point(offset, momentum, jax.grad(log_density)(offset)))
        return jnp.concatenate([after.offset, after.momentum])

    before = start(1)
    jacobian = jax.jacobian(moved)(jnp.concatenate([before.offset, before.momentum]))
    assert float(jnp.linalg.det(jacobian)) == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_errors_shrink_with_the_square_of_a_step(move):
    before = start(2)
    exact = travelled(leapfrog, before, 1.5, 3000).offset
    coarse, fine = (np.abs(travelled(move, before, 1.5, n).offset - exact).max() for n in (12, 24))
    assert coarse / fine == pytest.approx(4.0, rel=0.15)


def test_two_stages_err_less_than_two_leapfrogs():
    """Along trajectories of a normal, at the same number of gradients."""

    def error(move, length: float, n_steps: int) -> float:
        gaps = []
        for seed in range(20):
            point = normal_start(seed)
            before = normal_energy(point)
            for _ in range(n_steps):
                _, point = move(evaluate_normal, 0.5 * length, point)
                gaps.append(normal_energy(point) - before)
        return float(np.sqrt(np.mean(np.square(gaps))))

    assert error(two_stages, 0.8, 6) < 0.4 * error(leapfrog, 0.4, 12)


def evaluate_normal(offset):
    return Place(offset, -0.5 * offset @ offset, -offset), -offset


def normal_start(seed: int) -> Point:
    offset, momentum = np.random.default_rng(seed).normal(size=(2, SIZE))
    return Point(offset, momentum, -offset)


def normal_energy(point: Point) -> float:
    return 0.5 * float(point.momentum @ point.momentum + point.offset @ point.offset)


def test_many_dimensions_take_two_stages():
    assert [move_in(n) for n in (10, 99, 100)] == [leapfrog, leapfrog, two_stages]
    assert [gradients_per_step(n) for n in (99, 100)] == [1, 2]
