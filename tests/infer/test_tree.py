"""NUTS transitions against the textbook's recursion, and against distributions that are known."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hmlm.density.precision import double_precision
from hmlm.infer.integrator import Place, leapfrog, two_stages
from hmlm.infer.tree import Noise, draw_noise, empty_memory, transition

from ..nights import by_night

DEPTH = 4


def evaluator(log_density, start):
    """The density as the tree wants it, in coordinates that are isotropic already."""

    def evaluate(offset):
        value, gradient = jax.value_and_grad(log_density)(start + offset)
        return Place(start + offset, value, gradient), gradient

    return evaluate


def place_at(log_density, x):
    value, gradient = jax.value_and_grad(log_density)(x)
    return Place(x, value, gradient)


def one(log_density, x, step_size, noise):
    """The draw after ``x``."""
    start = place_at(log_density, x)
    dirty = jax.tree.map(lambda part: part + jnp.nan, empty_memory(x.size, len(noise.choices), x.dtype))
    return transition(evaluator(log_density, x), start, start.gradient, step_size, noise, dirty)[0]


def normal(scales):
    return lambda x: -0.5 * jnp.sum((x / jnp.asarray(scales)) ** 2)


def halves(first, size):
    """First and last of a stretch, and of its halves each with one more."""
    last, half = first + size - 1, first + size // 2
    return [(first, last), (first, half), (half - 1, last)]


def stretches(first, size):
    """First and last of all stretches that are checked in a subtree, by recursion."""
    if size > 1:
        yield from halves(first, size)
        yield from stretches(first, size // 2)
        yield from stretches(first + size // 2, size // 2)


class Textbook:
    """NUTS by recursion, in NumPy: the trajectory that directions make, and the probability of each point."""

    def __init__(self, log_density, x, momentum, step_size, directions):
        self.gradient, self.log_density = jax.grad(log_density), log_density
        self.step_size, self.origin = step_size, self._energy(x, momentum)
        self.n_steps, self.acceptance, self.diverging = 0, 0.0, False
        self.points = {0: (x, momentum)}
        self.weights = {0: 1.0}
        self.probability = {0: 1.0}
        self._run(directions)

    def _run(self, directions):
        low, high = 0, 0
        for depth, direction in enumerate(directions):
            size = 2**depth
            new = range(high + 1, high + size + 1) if direction > 0 else range(low - 1, low - size - 1, -1)
            whole = self._build(list(new))
            if not whole:
                return
            total, added = (
                sum(self.weights[i] for i in range(low, high + 1)),
                sum(self.weights[i] for i in new),
            )
            taken = min(1.0, added / total)
            self.probability = {i: p * (1 - taken) for i, p in self.probability.items()}
            self.probability |= {i: taken * self.weights[i] / added for i in new}
            low, high = min(low, new[-1]), max(high, new[-1])
            leaves = list(range(low, high + 1))
            if any(self._turns(leaves[i : j + 1]) for i, j in halves(0, len(leaves))):
                return

    def _build(self, leaves):
        """Leaves one after another; False as soon as a stretch of them turns, or one of them diverges."""
        for n, leaf in enumerate(leaves):
            if not self._leaf(leaf):
                return False
            if any(self._turns(leaves[i : n + 1]) for i, last in stretches(0, len(leaves)) if last == n):
                return False
        return True

    def _leaf(self, i):
        sign = 1 if i > 0 else -1
        x, p = self.points[i - sign]
        step = sign * self.step_size
        p = p + 0.5 * step * np.asarray(self.gradient(x))
        x = x + step * p
        p = p + 0.5 * step * np.asarray(self.gradient(x))
        error = self._energy(x, p) - self.origin
        self.points[i], self.weights[i] = (x, p), np.exp(-error)
        self.n_steps += 1
        self.acceptance += min(1.0, np.exp(-error))
        self.diverging = not error <= 1000
        return not self.diverging

    def _turns(self, leaves):
        momenta = np.stack([self.points[i][1] for i in leaves])
        return bool(momenta.sum(0) @ momenta[0] <= 0 or momenta.sum(0) @ momenta[-1] <= 0)

    def _energy(self, x, momentum):
        return 0.5 * momentum @ momentum - float(self.log_density(x))


DIRECTIONS = [(-1, 1, -1, 1), (1, -1, -1, -1), (1, 1, 1, 1), (-1, -1, 1, 1)]


@pytest.mark.parametrize("step_size", [0.05, 0.3, 0.8, 3.0])
@pytest.mark.parametrize("directions", by_night(DIRECTIONS, *DIRECTIONS[:2]), ids=str)
def test_trajectory_and_probabilities_are_the_recursions(step_size, directions):
    """Every point of the trajectory is drawn as often as the recursion says, over a grid of uniforms."""
    with double_precision():
        rng = np.random.default_rng([int(100 * step_size), *(1 + d for d in directions)])
        log_density, x, momentum = normal([1.0, 0.7, 2.0]), rng.normal(size=3), rng.normal(size=3)
        book = Textbook(log_density, x, momentum, step_size, directions)
        n = 4000
        choices = rng.uniform(size=(n, DEPTH, 3))
        choices[..., 0] = np.where(np.array(directions) > 0, 0.25, 0.75)
        run = jax.vmap(lambda c: one(log_density, jnp.asarray(x), step_size, Noise(jnp.asarray(momentum), c)))
        made = jax.jit(run)(jnp.asarray(choices))
    assert (np.asarray(made.n_steps) == book.n_steps).all()
    assert (np.asarray(made.diverging) == book.diverging).all()
    np.testing.assert_allclose(made.acceptance_rate, book.acceptance / book.n_steps, rtol=1e-9)
    drawn = np.asarray(made.place.position)
    keys = list(book.probability)
    distance = np.linalg.norm(drawn[:, None] - np.stack([book.points[i][0] for i in keys]), axis=2)
    assert distance.min(axis=1).max() < 1e-8
    counts = np.bincount(distance.argmin(axis=1), minlength=len(keys))
    expected = np.array([book.probability[i] for i in keys])
    often = n * expected >= 5
    z = (counts - n * expected) / np.sqrt(n * expected * (1 - expected) + 1e-9)
    assert np.abs(z[often & (expected < 1)]).max(initial=0) < 5
    assert counts[~often].sum() < 5 * max(1, (~often).sum())


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), step_size=st.floats(0.02, 2.5), size=st.integers(1, 12))
def test_any_trajectory_is_the_recursions(seed, step_size, size):
    with double_precision():
        rng = np.random.default_rng(seed)
        scales = np.exp(rng.normal(size=12))  # one compiled program: dimensions beyond size do not move
        log_density = normal(scales)
        x, momentum = (np.where(np.arange(12) < size, rng.normal(size=12), 0.0) for _ in range(2))
        choices = rng.uniform(size=(DEPTH, 3))
        book = Textbook(log_density, x, momentum, step_size, np.where(choices[:, 0] < 0.5, 1, -1))
        made = compiled(jnp.asarray(scales), x, step_size, Noise(momentum, choices))
    assert int(made.n_steps) == book.n_steps
    assert min(np.linalg.norm(made.place.position - book.points[i][0]) for i in book.probability) < 1e-8


@jax.jit
def compiled(scales, x, step_size, noise):
    return one(normal(scales), x, step_size, noise)


def sampled(log_density, size, *, step_size, n, chains=40, burn=50, move=leapfrog):
    """(n, chains, size) draws."""

    def step(place, key):
        noise = draw_noise(key, size, 8, place.position.dtype)
        memory = empty_memory(size, 8, place.position.dtype)
        evaluate = evaluator(log_density, place.position)
        made = transition(evaluate, place, place.gradient, step_size, noise, memory, move)[0]
        return made.place, made

    def chain(key):
        start, keys = jnp.split(jax.random.split(key, 1 + n + burn), [1])
        place = place_at(log_density, jnp.abs(jax.random.normal(start[0], (size,))))
        return jax.lax.scan(step, place, keys)[1]

    made = jax.jit(jax.vmap(chain, out_axes=1))(jax.random.split(jax.random.key(3), chains))
    return jax.tree.map(lambda leaf: np.asarray(leaf)[burn:], made)


def thinned(values, by):
    """Draws so far apart that they count as independent."""
    return values[::by].ravel()


@pytest.mark.parametrize(("move", "step_size"), [(leapfrog, 0.5), (two_stages, 1.0)])
def test_draws_have_the_distribution(move, step_size):
    """A correlated normal next to a heavy tail and a skewed one, by Kolmogorov and Smirnov."""
    with double_precision():
        covariance = jnp.array([[1.0, 0.8], [0.8, 1.0]])
        precision = jnp.linalg.inv(covariance)

        def log_density(x):
            skewed = x[2] - jnp.exp(x[2])  # log of an exponential variable
            heavy = -3.0 * jnp.log1p(x[3] ** 2 / 5)
            return -0.5 * x[:2] @ precision @ x[:2] + skewed + heavy

        made = sampled(log_density, 4, step_size=step_size, n=1000, move=move)
    x = made.place.position
    assert not made.diverging.any()
    known = [stats.norm.cdf, stats.norm.cdf, lambda v: stats.expon.cdf(np.exp(v)), stats.t(5).cdf]
    for i, cdf in enumerate(known):
        assert stats.kstest(thinned(x[..., i], 5), cdf).pvalue > 1e-3
    difference = thinned(x[..., 0] - x[..., 1], 5) / np.sqrt(0.4)
    assert stats.kstest(difference, stats.norm.cdf).pvalue > 1e-3


def test_trajectories_of_an_isotropic_density_do_not_come_back():
    """In 200 dimensions 15 steps of 0.41 close the circle: without all checks some trees grow to hundreds."""
    with double_precision():
        made = sampled(normal(np.ones(200)), 200, step_size=0.41, n=200, chains=4)
    assert made.n_steps.max() <= 15


def test_an_undefined_density_is_never_drawn():
    """Nor does it end the chain: what lies beyond the edge diverges and is left."""
    with double_precision():
        made = sampled(
            lambda x: jnp.sum(jnp.where(x > 0, -0.5 * x * x, jnp.nan)), 2, step_size=0.7, n=2000, chains=4
        )
    assert made.diverging.mean() > 0.01
    x = made.place.position
    assert np.isfinite(made.place.log_density).all()
    assert stats.kstest(thinned(x[..., 0], 5), stats.halfnorm.cdf).pvalue > 1e-3


@pytest.mark.parametrize(("one_end", "depth"), list(itertools.product([0.25, 0.75], [1, 2, 3])))
def test_depth_is_bounded(one_end, depth):
    with double_precision():
        x = jnp.zeros(2)
        choices = jnp.full((depth, 3), 0.5).at[:, 0].set(one_end)
        made = one(normal([1.0, 1.0]), x, 1e-3, Noise(jnp.ones(2), choices))
    assert int(made.n_steps) == 2**depth - 1
