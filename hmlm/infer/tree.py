"""One NUTS transition: a trajectory doubled until it turns back, and a draw from it.

Momentum is standard normal here: the metric is part of the function that evaluates the density. Three
things differ from the textbook algorithm, none of them the distribution of the draws:

- As in Stan since 2.21 two halves of a trajectory are also checked each with the first point of the other.
  Without that a trajectory of a nearly isotropic density can come back to where it began, unnoticed, and
  double a few times more.
- All checks of a leaf are two products with the matrix of remembered momenta, not a loop.
- One uniform number chooses a subtree's point: what is left of it after each decision is uniform again.

References:
    Hoffman & Gelman (2014), Journal of Machine Learning Research 15, 1593-1623
    Betancourt (2017), arXiv 1701.02434, appendix A
    Phan, Pradhan & Jankowiak (2019), arXiv 1912.11554: doubling without recursion
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from hmlm.infer.integrator import Evaluate, Move, Place, Point, leapfrog

LARGEST_ENERGY_ERROR = 1000.0

Extend = Callable[[Array, Point], tuple[Place, Point]]
"""Half a step's length and a point -> the next one, and the place there."""


class Memory(NamedTuple):
    """Leaves of the current subtree that later leaves are checked against, a row each.

    Attributes:
        momentum: (R, D) of the leaf.
        before: (R, D) sum of the momenta of the leaves before it.
        product: (R,) of both.
    """

    momentum: Array
    before: Array
    product: Array


class Noise(NamedTuple):
    """The randomness of a draw: (D,) standard normal ``momentum``, (depth, 3) uniform ``choices``."""

    momentum: Array
    choices: Array


class Transition(NamedTuple):
    """The draw, and how it came about; ``n_steps`` counts its steps."""

    place: Place
    energy: Array
    n_steps: Array
    acceptance_rate: Array
    diverging: Array


class _Subtree(NamedTuple):
    """Leaves added at one end: the last one, the draw among them, and what the checks need."""

    n: Array
    last: Point
    first_momentum: Array
    sum: Array
    memory: Memory
    place: Place
    energy: Array
    log_weight: Array
    uniform: Array
    acceptance: Array
    turning: Array
    diverging: Array


class _Tree(NamedTuple):
    """The trajectory so far, between ``left`` and ``right``."""

    depth: Array
    left: Point
    right: Point
    sum: Array
    memory: Memory
    place: Place
    energy: Array
    log_weight: Array
    n_steps: Array
    acceptance: Array
    turning: Array
    diverging: Array


def empty_memory(size: int, max_depth: int, dtype: jnp.dtype) -> Memory:
    """Memory for trajectories of up to ``2**max_depth - 1`` steps in ``size`` dimensions."""
    rows = max(2 * (max_depth - 1), 1)
    return Memory(jnp.zeros((rows, size), dtype), jnp.zeros((rows, size), dtype), jnp.zeros(rows, dtype))


def draw_noise(key: Array, size: int, max_depth: int, dtype: jnp.dtype) -> Noise:
    """Noise for a draw of at most ``2**max_depth - 1`` steps in ``size`` dimensions."""
    of_momentum, of_choices = jax.random.split(key)
    choices = jax.random.uniform(of_choices, (max_depth, 3), dtype)
    return Noise(jax.random.normal(of_momentum, (size,), dtype), choices)


def transition(
    evaluate: Evaluate,
    start: Place,
    gradient: Array,
    step_size: Array,
    noise: Noise,
    memory: Memory,
    move: Move = leapfrog,
) -> tuple[Transition, Memory]:
    """One draw.

    Args:
        evaluate: the density around ``start``.
        start: the draw before.
        gradient: (D,) by the offset, at ``start``.
        step_size: of a step.
        noise: decides; the trajectory doubles at most as often as it has rows of choices.
        memory: to work in, see :func:`empty_memory`; what is in it does not matter.
        move: a step.
    """
    momentum, choices = noise
    energy = _energy(_dot(momentum, momentum), start.log_density)
    origin = Point(jnp.zeros_like(momentum), momentum, gradient)
    zero, extend = jnp.zeros_like(energy), partial(move, evaluate)
    tree = _Tree(
        depth=jnp.int32(0),
        left=origin,
        right=origin,
        sum=momentum,
        memory=memory,
        place=start,
        energy=energy,
        log_weight=zero,
        n_steps=jnp.int32(0),
        acceptance=zero,
        turning=jnp.array(False),
        diverging=jnp.array(False),
    )
    tree = lax.while_loop(
        lambda tree: (tree.depth < len(choices)) & ~tree.turning & ~tree.diverging,
        lambda tree: _double(extend, step_size, energy, choices[tree.depth], tree),
        tree,
    )
    rate = tree.acceptance / tree.n_steps
    return Transition(tree.place, tree.energy, tree.n_steps, rate, tree.diverging), tree.memory


def _double(extend: Extend, step_size: Array, energy: Array, choices: Array, tree: _Tree) -> _Tree:
    """The tree and as many leaves again at one of its ends.

    Choices: which end, which of the new leaves, and whether that one is the draw.
    """
    to_right = choices[0] < 0.5
    near, far = _select(to_right, tree.right, tree.left), _select(to_right, tree.left, tree.right)
    half_step = jnp.where(to_right, 0.5, -0.5) * step_size
    new = _subtree(extend, half_step, energy, near, 1 << tree.depth, choices[1], tree)
    whole = ~(new.turning | new.diverging)
    taken = whole & (choices[2] < jnp.exp(new.log_weight - tree.log_weight))
    turning = (
        _turns(tree.sum + new.sum, far.momentum, new.last.momentum)
        | _turns(tree.sum + new.first_momentum, far.momentum, new.first_momentum)
        | _turns(near.momentum + new.sum, near.momentum, new.last.momentum)
    )
    return _Tree(
        depth=tree.depth + 1,
        left=_select(to_right, tree.left, new.last),
        right=_select(to_right, new.last, tree.right),
        sum=tree.sum + new.sum,
        memory=new.memory,
        place=_select(taken, new.place, tree.place),
        energy=jnp.where(taken, new.energy, tree.energy),
        log_weight=jnp.logaddexp(tree.log_weight, new.log_weight),
        n_steps=tree.n_steps + new.n,
        acceptance=tree.acceptance + new.acceptance,
        turning=new.turning | turning,
        diverging=new.diverging,
    )


def _subtree(
    extend: Extend, half_step: Array, energy: Array, near: Point, size: Array, uniform: Array, tree: _Tree
) -> _Subtree:
    """``size`` leaves beyond ``near``, fewer where they turn back among themselves or diverge."""
    zero = jnp.zeros_like(energy)
    subtree = _Subtree(
        n=jnp.int32(0),
        last=near,
        first_momentum=near.momentum,
        sum=jnp.zeros_like(near.momentum),
        memory=tree.memory,
        place=tree.place,
        energy=energy,
        log_weight=jnp.full_like(energy, -jnp.inf),
        uniform=uniform,
        acceptance=zero,
        turning=jnp.array(False),
        diverging=jnp.array(False),
    )
    return lax.while_loop(
        lambda subtree: (subtree.n < size) & ~subtree.turning & ~subtree.diverging,
        lambda subtree: _grow(extend, half_step, energy, subtree),
        subtree,
    )


def _grow(extend: Extend, half_step: Array, energy_at_start: Array, tree: _Subtree) -> _Subtree:
    """The subtree and one leaf more."""
    place, last = extend(half_step, tree.last)
    momentum = last.momentum
    twice_kinetic, product = _dot(jnp.stack([momentum, tree.sum]), momentum)
    energy = _energy(twice_kinetic, place.log_density)
    gain = energy_at_start - energy
    log_weight = jnp.logaddexp(tree.log_weight, gain)
    share = jnp.exp(gain - log_weight)
    taken = tree.uniform < share
    total = tree.sum + momentum
    memory = _remember(tree.memory, tree.n, momentum, tree.sum, product)
    return _Subtree(
        n=tree.n + 1,
        last=last,
        first_momentum=jnp.where(tree.n == 0, momentum, tree.first_momentum),
        sum=total,
        memory=memory,
        place=_select(taken, place, tree.place),
        energy=jnp.where(taken, energy, tree.energy),
        log_weight=log_weight,
        uniform=jnp.where(taken, tree.uniform / share, (tree.uniform - share) / (1 - share)),
        acceptance=tree.acceptance + jnp.exp(jnp.minimum(gain, 0.0)),
        turning=_turns_within(memory, tree.n, momentum, total, twice_kinetic + product),
        diverging=gain < -LARGEST_ENERGY_ERROR,
    )


def _energy(twice_kinetic: Array, log_density: Array) -> Array:
    """The Hamiltonian; infinite, so that it has no weight, where the density is undefined."""
    energy = 0.5 * twice_kinetic - log_density
    return jnp.where(jnp.isnan(energy), jnp.inf, energy)


def _turns(total: Array, first: Array, last: Array) -> Array:
    """Whether a stretch of trajectory, its momenta summing to ``total``, no longer moves apart at an end."""
    return (_dot(total, first) <= 0) | (_dot(total, last) <= 0)


def _remember(memory: Memory, n: Array, momentum: Array, before: Array, product: Array) -> Memory:
    """Leaf ``n`` written where no leaf stands that is still needed.

    An even leaf begins the stretches that later ones end: rows 0, 2, ... by the number of ones in ``n``. An
    odd leaf ends the left half of the one it is checked in next: rows 1, 3, ... by the ones at its end.
    """
    row = jnp.where(n % 2 == 0, 2 * _ones(n >> 1), 2 * _trailing_ones(n) - 1)
    return Memory(*map(partial(_write, row), memory, (momentum, before, product)))


@jax.custom_batching.custom_vmap
def _write(row: Array, rows: Array, value: Array) -> Array:
    """``rows`` with one of them replaced, in place where there is one chain."""
    return lax.dynamic_update_index_in_dim(rows, value, row, 0)


@_write.def_vmap
def _write_each(
    size: int, is_batched: list[bool], row: Array, rows: Array, value: Array
) -> tuple[Array, bool]:
    """A row of each chain, without the scatter that JAX would make of it."""
    row, rows, value = (
        part if batched else jnp.broadcast_to(part, (size, *part.shape))
        for part, batched in zip((row, rows, value), is_batched, strict=True)
    )
    here = row[:, None] == jnp.arange(rows.shape[1], dtype=row.dtype)
    return jnp.where(here.reshape(*here.shape, *(1,) * (rows.ndim - 2)), value[:, None], rows), True


def _turns_within(memory: Memory, n: Array, momentum: Array, total: Array, product: Array) -> Array:
    """Whether a stretch of the subtree that leaf ``n`` completes turns back; product: momentum by total."""
    at_first = _dot(memory.momentum, total) - memory.product
    at_last = product - _dot(memory.before, momentum)
    return jnp.any(_completed(n, len(memory.product)) & ((at_first <= 0) | (at_last <= 0)))


def _completed(n: Array, rows: int) -> Array:
    """(rows,) where the stretches begin that leaf ``n`` completes.

    An odd leaf ends as many subtrees as it ends with ones, each but the smallest with a right half,
    which is checked with the last leaf of the left one. An even leaf begins a right half: the left half is
    checked with it.
    """
    row, ones, trailing = jnp.arange(rows, dtype=n.dtype), _ones(n >> 1), _trailing_ones(n)
    is_even, slot = n % 2 == 0, row // 2
    low, high = jnp.where(is_even, ones - 1, ones - trailing + 1), jnp.where(is_even, ones - 1, ones)
    begins = (slot >= low) & (slot <= high)
    ends = slot + 1 < trailing
    return jnp.where(row % 2 == 0, begins, ends)


def _ones(n: Array) -> Array:
    return lax.population_count(n)


def _trailing_ones(n: Array) -> Array:
    return _ones(n ^ (n + 1)) - 1


def _select(which: Array, one: Any, other: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.where(which, a, b), one, other)


def _dot(a: Array, b: Array) -> Array:
    return jnp.dot(a, b, precision=lax.Precision.HIGHEST)
