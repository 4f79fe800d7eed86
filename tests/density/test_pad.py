"""Padded densities: the model's with standard normal coordinates added, and one program for like sizes."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import hmlm as hm
from hmlm.density.pad import Sizes, pad, round_sizes, rounded_up, sizes_of
from hmlm.density.pad_rows import RowSizes
from hmlm.types import HmlmError

from ..helpers import in_time, simulate

LEVELS = 11
PRIORS = [hm.prior("normal(0, 5)", class_=class_) for class_ in ("Intercept", "b", "sd")]
SIGMA = [hm.prior("exponential(1)", class_="sigma")]
OF_EACH = [
    hm.prior("exponential(1)", class_=class_, resp=resp) for class_ in ("sd", "sigma") for resp in ("y", "v")
]
SCALE = [hm.prior("normal(0, 1)", class_=class_, dpar="sigma") for class_ in ("Intercept", "sd")]
MELSM = hm.bf("y ~ x + w + (1 + x |c| g)", sigma="~ x + (1 + w |c| g)")
TWO = hm.bf("y ~ x + (1 |c| g)") + hm.bf("v ~ w + (1 |c| g)") + hm.set_rescor(True)
MODELS = {
    "statistics": ("y ~ x + (1 + x | g)", {"prior": PRIORS + SIGMA}),
    "scale by level": (
        hm.bf("y ~ 1 + (1 |c| g)", sigma="~ 1 + (1 |c| g)"),
        {"prior": PRIORS[::2] + SCALE},
    ),
    "rows": (MELSM, {"prior": PRIORS + SCALE}),
    "rows by XLA": (MELSM, {"prior": PRIORS + SCALE, "kernels": "xla"}),
    "bernoulli": ("high ~ x + (1 + x | g)", {"prior": PRIORS, "family": "bernoulli"}),
    "poisson": ("count ~ x + (1 | g)", {"prior": PRIORS, "family": "poisson"}),
    "poisson by XLA": ("count ~ x + (1 | g)", {"prior": PRIORS, "family": "poisson", "kernels": "xla"}),
    "negbinomial": ("count ~ x + (1 | g)", {"prior": PRIORS, "family": "negbinomial"}),
    "noncentered": ("y ~ x + (1 | g)", {"prior": PRIORS + SIGMA, "density": "noncentered"}),
    "crossed": ("y ~ x + (1 + x | g) + (1 | h)", {"prior": PRIORS + SIGMA, "density": {"h": "informed"}}),
    "two outcomes": (TWO, {"prior": PRIORS[:2] + OF_EACH}),
    "no levels": ("y ~ x + w", {"prior": PRIORS[:2] + SIGMA}),
    "sd by level": (hm.bf("y ~ x + (1 | g)", sd={"g": "~ age"}), {"prior": PRIORS + SIGMA}),
}


def table(n_rows: int, levels: int, seed: int = 1, *, uneven: bool = False):
    rng = np.random.default_rng(seed)
    lopsided = np.append(np.arange(levels), rng.integers(levels, size=n_rows - levels) // 2)
    group = lopsided if uneven else np.arange(n_rows) % levels
    data = simulate(group, seed)
    count, high = rng.poisson(np.exp(0.2 * data.x)), (data.y > data.y.mean()).astype(int)
    return data.assign(count=count, high=high, age=rng.normal(size=levels)[group])


def model(name: str, data, **how) -> hm.Model:
    formula, known = MODELS[name]
    return hm.model(formula, data, **known, **how)


@pytest.mark.parametrize("name", MODELS)
def test_padding_adds_standard_normal_coordinates_and_nothing_else(name):
    plain = model(name, table(117, LEVELS, uneven=name in ("rows", "poisson by XLA"))).log_density
    padded = pad(plain, round_sizes(plain))
    more, at, rng = padded.density, padded.coordinates, np.random.default_rng(0)
    assert more.data.model.columns[0].size > plain.data.model.columns[0].size
    for _ in range(2):
        x = more.initial + 0.3 * rng.normal(size=more.size)
        value, gradient = (np.asarray(part) for part in more.value_and_grad(x))
        wanted, wanted_gradient = (np.asarray(part) for part in plain.value_and_grad(x[at]))
        added = np.delete(x, at)
        assert value == pytest.approx(float(wanted) - 0.5 * np.sum(added**2), abs=1e-10)
        np.testing.assert_allclose(gradient[at], wanted_gradient, rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(np.delete(gradient, at), -added, atol=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_tables_of_about_one_size_have_one_program(name):
    """Same static half, same arrays: what programs are kept by."""
    found = set()
    for n_rows, levels in ((100, 10), (107, 11), (120, 12)):
        plain = model(name, table(n_rows, levels, seed=n_rows), bucket=True).log_density
        padded = pad(plain, round_sizes(plain)).density
        leaves, structure = jax.tree.flatten(padded.data)
        found.add((padded.static, structure, tuple((leaf.shape, str(leaf.dtype)) for leaf in leaves)))
    assert len(found) == 1


@pytest.mark.parametrize("name", ["rows", "bernoulli"])
def test_groups_fall_into_bundles_in_many_ways_of_one_size(name):
    found = set()
    for seed in range(6):
        plain = model(name, table(100 + 4 * seed, 10 + seed % 3, seed), bucket=True).log_density
        sizes = round_sizes(plain)
        found.add((sizes.bundles, len(pad(plain, sizes).density.data.fused.group)))
    assert len(found) == 1


def test_the_programs_name_no_number_of_rows():
    densities = [model("statistics", table(n, LEVELS)).log_density for n in (110, 121)]
    assert densities[0].static == densities[1].static


@pytest.mark.parametrize("name", ["statistics", "rows", "bernoulli"])
def test_any_larger_sizes_do(name):
    """As stacks of data sets need them."""
    plain = model(name, table(117, LEVELS)).log_density
    own, large = sizes_of(plain), sizes_of(plain, (20,))
    rows = RowSizes(31, own.rows.length + 5, tuple(n + 2 for n in own.rows.widths))
    padded = pad(plain, Sizes((20,), rows, own.cells, tuple(n + 3 for n in large.bundles)))
    assert padded.density.data.model.columns.shape[1] == 31
    x = padded.density.initial + 0.1
    added = np.delete(x, padded.coordinates)
    wanted = float(plain(x[padded.coordinates])) - 0.5 * np.sum(added**2)
    assert float(padded.density(x)) == pytest.approx(wanted, abs=1e-10)


def test_sizes_are_rounded_by_less_than_half():
    sizes = [rounded_up(n) for n in range(1, 3000)]
    assert [rounded_up(n) for n in (0, 1, 2, 3, 4, 5, 7, 10, 12, 13, 17, 25)] == [
        1, 1, 2, 3, 4, 6, 8, 12, 12, 16, 24, 32,
    ]  # fmt: skip
    assert all(n <= size < 1.5 * n + 1 for n, size in zip(range(1, 3000), sizes, strict=True))
    assert [rounded_up(n) for n in sizes] == sizes


@pytest.mark.parametrize(
    ("formula", "how", "reason"),
    [
        ("y ~ x + ar(time = t, gr = g)", {}, r"ar\(\) cannot have rows"),
        ("y ~ x + (1 | mm(g, h))", {}, "several levels"),
        ("y ~ x + (1 | g) + (1 | h)", {}, 'density={"<factor>": "informed"}'),
    ],
)
def test_what_cannot_be_padded_says_why(formula, how, reason):
    with pytest.raises(HmlmError, match=f"bucket=True: .*{reason}.*; leave bucket out"):
        hm.model(formula, in_time(0), bucket=True, **how)
