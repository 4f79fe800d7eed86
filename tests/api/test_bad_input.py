"""What users get wrong, through the public verbs: each is refused or counted before anything is sampled."""

from __future__ import annotations

import datetime
import decimal
import re
import warnings

import jax
import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.types import DataError, DataWarning, FormulaError, HmlmError, PriorError

N = 40


@pytest.fixture
def table() -> pd.DataFrame:
    """40 rows: outcome y, predictors x and z, factors g (8 levels) and h (4), text k (2)."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "y": rng.normal(size=N),
            "x": rng.normal(size=N),
            "z": rng.normal(size=N),
            "g": np.repeat(list("abcdefgh"), 5),
            "h": np.tile(list("pqrs"), 10),
            "k": np.tile(["u", "v"], 20),
        }
    )


@pytest.fixture(autouse=True)
def only_expected_warnings():
    """A warning that a test does not ask for is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def message_of(error: type[Exception], formula, data, **arguments) -> str:
    with pytest.raises(error) as raised:
        hm.model(formula, data, **arguments)
    return str(raised.value)


# --- columns --------------------------------------------------------------------------------------

DAYS = pd.date_range("2026-01-01", periods=N)
COLUMNS = {
    # formula: columns that change: what the message says
    "missing predictor": ("y ~ steps + (1 | g)", {"step": 1.0}, "no column 'steps'; did you mean 'step'"),
    "missing group": ("y ~ x + (1 | G)", {}, r"`\(1 \| G\)`: no column 'G'; did you mean 'g'"),
    "missing outcome": ("Y ~ x", {}, "no column 'Y'; did you mean 'y'"),
    "text outcome": ("y ~ x", {"y": list("ab") * 20}, "column 'y' is not numeric .*'a', 'b'"),
    "numbers as text outcome": ("y ~ x", {"y": list(map(str, range(N)))}, "pd.to_numeric"),
    "infinite predictor": ("y ~ x", {"x": [np.inf, *range(39)]}, "column 'x' has 1 infinite value;"),
    "infinite outcome": ("y ~ x", {"y": [-np.inf, np.inf, *range(38)]}, "column 'y' has 2 infinite values"),
    "infinite level": ("y ~ x + (1 | g)", {"g": [np.inf, 1.0] * 20}, "column 'g' has infinite values"),
    "constant outcome": ("y ~ x", {"y": 1.0}, "outcome 'y' is 1 in every row"),
    "constant predictor": ("y ~ x + (1 | g)", {"x": 3.0}, "'x' is 3 in every row, which the intercept"),
    "constant varying slope": ("y ~ 1 + (x | g)", {"x": 3.0}, r"\(x \| g\)`: 'x' is 3 in every row"),
    "zero varying slope": ("y ~ 1 + (0 + x | g)", {"x": 0.0}, "'x' is 0 in every row"),
    "zero without intercept": ("y ~ 0 + x", {"x": 0.0}, "column 'x' of mu is 0 in every row"),
    "far from zero": ("y ~ x", {"x": lambda d: 1e12 + d.x / 100}, "less than its numbers are precise"),
    "single category": ("y ~ k", {"k": "u"}, "column 'k' has the single level 'u'"),
    "single group": ("y ~ x + (1 | g)", {"g": "a"}, "'g' has the single level 'a'"),
    "datetime": ("y ~ x", {"x": DAYS}, r"\(data\['x'\] - data\['x'\].min\(\)\).dt.days"),
    "datetime in a call": ("y ~ log(x)", {"x": DAYS}, r"column 'x' is not numeric .*\.dt\.days"),
    "timedelta": ("y ~ x", {"x": pd.to_timedelta(range(N), "D")}, "pd.Timedelta"),
    "period": ("y ~ x", {"x": pd.period_range("2026", periods=N, freq="D")}, "count time from its start"),
    "date objects": ("y ~ x", {"x": [datetime.date(2026, 1, 1 + i % 9) for i in range(N)]}, "type date;"),
    "decimal objects": ("y ~ x", {"x": [decimal.Decimal(i) for i in range(N)]}, "type Decimal;"),
    "numbers and text": ("y ~ x", {"x": [1.5, "2"] * 20}, "type float, str; convert"),
    "levels of one text": ("y ~ x + (1 | g)", {"g": [1, "1"] * 20}, "several levels that read '1'"),
    "lists as levels": ("y ~ x + (1 | g)", {"g": [[1, 2]] * N}, "column 'g' holds a list"),
    "complex": ("y ~ x", {"x": np.arange(N) + 1j}, "np.real"),
    "overflow": ("y ~ x", {"x": lambda d: d.x * 1e300}, "too large to compute with"),
    "underflow": ("y ~ x", {"y": lambda d: d.y * 1e-300}, "too little to compute with"),
    "log of a negative number": ("y ~ log(x)", {}, "'logx' has .* undefined values; .* outside its domain"),
    "log of a negative outcome": ("log(y) ~ x", {}, "'logy' has .* undefined values"),
    "scaled constant": ("y ~ scale(x)", {"x": 2.0}, "'scalex' has 40 .* constant column"),
    "degree": ("y ~ poly(x, 50)", {}, "degree must be less than the number of distinct values, 40"),
    "saturated": ("y ~ factor(x)", {}, "mu has 40 coefficients .* only 40 rows, and .* and 33 more"),
    "collinear": ("y ~ x + z + w", {"w": lambda d: d.x + 2 * d.z}, "'x', 'z', 'w' of mu depend .* flat"),
    "reserved group": ("y ~ x + (1 | chain)", {"chain": lambda d: d.g}, "cannot be called 'chain'.*chain_id"),
    "reserved group draw": ("y ~ x + (1 | draw)", {"draw": lambda d: d.g}, "cannot be called 'draw'"),
    "reserved group term": ("y ~ x + (1 | term)", {"term": lambda d: d.g}, "cannot be called 'term'"),
    "slash in a group": ("y ~ x + (1 | `g/h`)", {"g/h": lambda d: d.g}, "'/' in its name.*'g_h'"),
    "group like a parameter": ("y ~ x + (1 | sigma)", {"sigma": lambda d: d.g}, "has the name of a param"),
}  # fmt: skip


@pytest.mark.parametrize("name", COLUMNS)
def test_column_is_refused(name, table):
    formula, columns, said = COLUMNS[name]
    assert re.search(said, message_of(DataError, formula, table.assign(**columns)), re.DOTALL)


def test_collinear_columns_of_sigma_are_refused(table):
    formula = hm.bf("y ~ 1", sigma="~ x + w")
    assert "'x', 'w' of sigma" in message_of(DataError, formula, table.assign(w=2 * table.x))


def test_two_parameters_of_one_name_are_refused(table):
    """b_sigma_x was the slope of column sigma_x and of x on log sigma; one overwrote the other."""
    formula = hm.bf("y ~ sigma_x", sigma="~ x")
    assert "2 parameters would be called 'b_sigma_x'" in message_of(
        DataError, formula, table.assign(sigma_x=table.z)
    )


def test_outcomes_that_determine_each_other_are_refused(table):
    formula = hm.bf("y ~ x") + hm.bf("w ~ x") + hm.set_rescor(True)
    assert "outcomes 'y', 'w' depend" in message_of(DataError, formula, table.assign(w=2 * table.y))


@pytest.mark.parametrize(
    "formula", ["y ~ y + x", "y ~ I(y^2)", "y ~ x + (1 | y)", "log(y) ~ y", "y ~ (y | g)"]
)
def test_an_outcome_cannot_predict_itself(formula, table):
    said = message_of(FormulaError, formula, table.assign(y=table.y.abs()))
    assert "the outcome 'y' stands on both sides" in said


def test_a_change_score_may_have_its_baseline_as_predictor(table):
    assert hm.model("I(y - x) ~ x", table).spec.predictors[0].names == ("x",)


def test_fewer_rows_than_coefficients(table):
    said = message_of(DataError, "y ~ x + z + h", table.head(4))
    assert "mu has 6 coefficients but there are only 4 rows" in said


# --- counted warnings -----------------------------------------------------------------------------


def test_rows_with_missing_values_are_dropped_and_counted(table):
    table.loc[3, "x"] = np.nan
    table.loc[5, ["y", "g"]] = np.nan
    with pytest.warns(DataWarning, match="dropped 2 of 40 rows .* by column: y 1, x 1, g 1") as caught:
        model = hm.model("y ~ x + (1 | g)", table)
    assert model.design.n_rows == 38 and model.design.n_dropped == 2
    assert caught[0].filename == __file__


def test_no_complete_row_is_an_error(table):
    assert "no row of 40 is complete; missing values by column: x 40" in message_of(
        DataError, "y ~ x", table.assign(x=None)
    )


WARNED = {
    "collinear with proper priors": (
        "y ~ x + w",
        {"w": lambda d: 2 * d.x},
        hm.prior("normal(0, 1)"),
        "'x', 'w' of mu depend on each other linearly; only their priors",
    ),
    "collinear varying slopes": (
        "y ~ 1 + (x + w | g)",
        {"w": lambda d: 2 * d.x},
        None,
        "varies by 'g' depend",
    ),
    "a level per row": (
        "y ~ x + (1 | i)",
        {"i": range(N)},
        None,
        "'i' has a level of its own in each of the 40",
    ),
    "numbers as text": ("y ~ t", {"t": ["1", "2"] * 20}, None, "column 't' holds numbers as text"),
}


@pytest.mark.parametrize("name", WARNED)
def test_columns_that_deserve_a_look(name, table):
    formula, columns, prior, said = WARNED[name]
    with pytest.warns(DataWarning, match=said):
        hm.model(formula, table.assign(**columns), prior=prior)


def test_factor_of_text_numbers_is_meant(table):
    model = hm.model("y ~ factor(t)", table.assign(t=["1", "2"] * 20))
    assert model.spec.predictors[0].names == ("factort2",)


# --- tables ---------------------------------------------------------------------------------------

TABLES = {
    "empty": (lambda d: d.iloc[:0], "no rows"),
    "without columns": (lambda d: pd.DataFrame(), "no rows"),
    "one row": (lambda d: d.head(1), "outcome 'y' is .* in every row"),
    "duplicate index": (lambda d: pd.concat([d, d]), "index repeats '0', .*reset_index"),
    "duplicate columns": (lambda d: pd.concat([d, d[["x"]]], axis=1), "several columns named 'x'"),
    "two levels of columns": (lambda d: pd.concat({"a": d}, axis=1), "columns have 2 levels"),
    "a path": (lambda d: "d.csv", "must be a pandas DataFrame .* not str"),
    "an array": (lambda d: d[["y", "x"]].to_numpy(), "not ndarray"),
    "nothing": (lambda d: None, "not NoneType"),
    "unequal lengths": (lambda d: {"y": [1.0, 2.0], "x": [1.0, 2.0, 3.0]}, "y 2, x 3"),
    "scalars": (lambda d: {"y": 1, "x": 2}, r"column 'y' has the shape \(\)"),
    "a matrix": (lambda d: {"y": d.y, "x": np.ones((N, 2))}, r"column 'x' has the shape \(40, 2\)"),
    "Series of other rows": (lambda d: {"y": d.y, "x": d.x.iloc[::-1]}, "'y' and 'x' have different indexes"),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_table_is_refused(name, table):
    change, said = TABLES[name]
    with pytest.raises(DataError, match=said):
        hm.model("y ~ x", change(table))


# --- formulas, priors, families -------------------------------------------------------------------

FORMULAS = {
    "y ~ x + (1 | g": ("never closed", 8),
    "y ~ x +": ("a term must follow", 7),
    "~ x": ("nothing stands left", 0),
    "y": ("there is no `~`", 0),
    "y ~ x ~ z": ("one `~`", 6),
    "y ~ exec(x)": ("not available in a formula", 4),
    "y ~ lg(x)": ("did you mean `log()`", 4),
}


@pytest.mark.parametrize("formula", FORMULAS)
def test_malformed_formula_shows_the_place(formula, table):
    said, column = FORMULAS[formula]
    lines = message_of(FormulaError, formula, table).splitlines()
    assert said in lines[0]
    assert lines[-1].index("^") - 4 == column


@pytest.mark.parametrize("formula", [3, None, [], ["y ~ x", 3], ""])
def test_no_formula(formula, table):
    message_of(FormulaError, formula, table)


PRIORS = {
    "normal(0, 1": ("never closed", 6),
    "nrmal(0, 1)": ("did you mean 'normal'", 0),
    "normal(0)": (r"takes 2 arguments (mu, sigma), got 1", 0),
    "normal(0, -1)": ("must be above 0", 10),
    "normal(0, x)": ("not a number", 10),
}


@pytest.mark.parametrize("text", PRIORS)
def test_malformed_prior_shows_the_place(text):
    said, column = PRIORS[text]
    with pytest.raises(PriorError) as raised:
        hm.prior(text)
    lines = str(raised.value).splitlines()
    assert said in lines[0]
    assert lines[-1].index("^") - 2 == column


UNREACHED = {
    "coefficient": ({"coef": "X"}, "no coef 'X' in class 'b', only 'x'; did you mean 'x'"),
    "group": ({"class_": "sd", "group": "G"}, "no group 'G' in class 'sd', only 'g'; did you mean 'g'"),
    "parameter": ({"dpar": "sigma"}, "no dpar 'sigma'"),
    "outcome": ({"resp": "q"}, "no resp 'q'"),
    "intercept as coefficient": ({"coef": "Intercept"}, 'use class_="Intercept"'),
}


@pytest.mark.parametrize("name", UNREACHED)
def test_prior_for_something_the_model_lacks(name, table):
    fields, said = UNREACHED[name]
    message = message_of(PriorError, "y ~ x + (1 | g)", table, prior=hm.prior("normal(0, 1)", **fields))
    assert said in message and "This model has\n  class = Intercept\n  class = b: x" in message


@pytest.mark.parametrize(("arguments", "said"), [
    ({"text": 3}, "prior of a prior is text, not 3"),
    ({"text": None}, "not None"),
    ({"text": "normal(0, 1)", "class_": 3}, "class_ of a prior is text"),
    ({"text": "normal(0, 1)", "class_": "B"}, "did you mean 'b'"),
    ({"text": "lkj(1)"}, "lkj cannot be the prior of class 'b'"),
])  # fmt: skip
def test_prior_of_the_wrong_kind(arguments, said):
    with pytest.raises(PriorError, match=said):
        hm.prior(**arguments)


@pytest.mark.parametrize("prior", [3, [3], "normal(0, 1)"])
def test_no_prior(prior, table):
    assert "prior(" in message_of(PriorError, "y ~ x", table, prior=prior)


@pytest.mark.parametrize("family", ["poison", None, ["gaussian"], 3])
def test_unknown_family_lists_those_there_are(family, table):
    assert "available: bernoulli, beta, beta_binomial, binomial" in message_of(
        HmlmError, "y ~ x", table, family=family
    )


def test_misspelt_family(table):
    assert "did you mean 'gaussian'" in message_of(HmlmError, "y ~ x", table, family="Gausian")


# --- settings of a run ----------------------------------------------------------------------------

SETTINGS = {
    "chains=0": ({"chains": 0}, "chains=0 must be a whole number of at least 1"),
    "chains<0": ({"chains": -2}, "chains=-2 must be"),
    "chains=2.0": ({"chains": 2.0}, "chains=2.0 must be a whole number"),
    "draws=0": ({"draws": 0}, "draws=0 must be"),
    "warmup=1e3": ({"warmup": 1e3}, "warmup=1000.0 must be a whole number"),
    "seed": ({"seed": -1}, "seed=-1 must be a whole number between 0 and 4294967295"),
    "target_accept": ({"target_accept": 1.5}, "target_accept=1.5 must be a number between 0 and 1"),
    "devices": ({"devices": 64, "chains": 64}, "devices=64, but JAX sees"),
    "density": ({"density": "informd"}, "density='informd' is unknown; .* did you mean 'informed'"),
    "block": ({"density": {"id": "informed"}}, "no block 'id'; the model has g"),
    "misspelt": ({"chians": 4}, "no argument 'chians'; did you mean 'chains'"),
    "of brms": ({"adapt_delta": 0.95}, "no argument 'adapt_delta'; use target_accept"),
    "iterations of brms": ({"iter": 2000}, "use draws .* and warmup"),
    "algorithm of brms": ({"algorithm": "meanfield"}, "'meanfield' is unknown; here it is 'svi'"),
    "misspelt algorithm": ({"algorithm": "laplas"}, "did you mean 'laplace'"),
    "chains of laplace": (
        {"algorithm": "laplace", "chains": 2},
        "chains=2 means nothing .* leave chains out",
    ),
    "warm-up of svi": ({"algorithm": "svi", "warmup": 5, "devices": 2}, "leave warmup and devices out"),
    "draws of map": ({"algorithm": "map", "draws": 5}, "is one point, .* leave draws"),
    "resample of nuts": ({"resample": True}, "resample= is of approximations"),
    "resample": ({"algorithm": "laplace", "resample": "yes"}, "resample='yes': True, False, or None"),
    "init": ({"init": "pilots"}, "did you mean 'pilot'"),
    "init of an approximation": ({"algorithm": "svi", "init": "map"}, "starts around a quick estimate"),
    "shape of init": ({"init": [[0.0, 1.0]]}, r"init has the shape \(1, 2\), but 4 chains of 4 coordinates"),
    "finite init": ({"init": [[np.nan] * 4] * 4}, "init holds numbers that are NaN"),
    "text of init": ({"init": [["a"]]}, "init is no array of numbers"),
    "points of svi": ({"algorithm": "svi", "init": [0.0]}, r"\(paths, 4\) points"),
    "Stan's inits": ({"inits": 0}, "no argument 'inits'; use init"),
    "plural": ({"priors": []}, "did you mean 'prior'"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_setting_is_refused(name, table):
    settings, said = SETTINGS[name]
    jax.devices()  # JAX has started, and a CPU cannot be cut into devices any more
    with pytest.raises(HmlmError, match=said):
        hm.fit("y ~ x + (1 | g)", table, **settings)


# --- unusual, but fine ----------------------------------------------------------------------------

LEVELS = {
    "floats": (np.repeat(np.arange(1.0, 9), 5), tuple("12345678")),
    "unused categories": (
        pd.Categorical(np.repeat(list("abcd"), 10), categories=list("zdcba")),
        tuple("dcba"),
    ),
    "booleans": (np.tile([True, False], 20), ("FALSE", "TRUE")),
    "days": (np.repeat(DAYS[:2], 20), ("2026-01-01", "2026-01-02")),
    "numbers and text": ([1, "a"] * 20, ("1", "a")),
}


@pytest.mark.parametrize("name", LEVELS)
def test_levels_are_text(name, table):
    values, levels = LEVELS[name]
    assert hm.model("y ~ x + (1 | g)", table.assign(g=values)).spec.factors[0].levels == levels


@pytest.mark.parametrize(
    "values",
    [
        np.arange(N),
        np.arange(N) % 2 == 0,
        np.arange(N).astype("uint8"),
        pd.array([1, 2] * 20, dtype="Int64"),
        [True, False] * 20,
        np.linspace(0, 1, N, dtype="float32"),
    ],
    ids=lambda values: str(getattr(values, "dtype", "list")),
)
def test_outcomes_that_are_numbers(values, table):
    outcome = hm.model("y ~ x", table.assign(y=values)).design.outcomes[0].values
    assert outcome.dtype == np.float64
    np.testing.assert_allclose(outcome, np.asarray(values, float))


def test_objects_without_their_gaps_are_numbers(table):
    with pytest.warns(DataWarning, match="dropped 20 of 40 rows"):
        model = hm.model("y ~ x", table.assign(y=pd.Series([True, None, False, None] * 10, dtype=object)))
    assert set(model.design.outcomes[0].values) == {0.0, 1.0}


def test_names_beyond_ascii(table):
    renamed = table.rename(columns={"y": "情绪", "x": "größe", "g": "straße"})
    spec = hm.model("情绪 ~ größe + (größe | straße)", renamed).spec
    assert (spec.outcomes, spec.predictors[0].names, spec.factors[0].name) == (
        ("情绪",),
        ("größe",),
        "straße",
    )


@pytest.mark.parametrize("scale", [1e12, 1e-12])
def test_scales_far_from_one(scale, table):
    wide = table.assign(x=table.x * scale, y=table.y * scale)
    density = hm.model("y ~ x + (1 + x | g)", wide).log_density
    assert np.isfinite(density.initial).all()


@pytest.mark.parametrize("name", ["sigma", "b_x", "mu", "lp", "chain", "draw", "term", "sd_g__Intercept"])
def test_predictors_and_outcomes_called_like_parameters(name, table):
    assert hm.model(f"y ~ {name} + (1 | g)", table.rename(columns={"x": name})).spec.predictors[0].names == (
        name,
    )
    hm.model(f"{name} ~ x + (1 | g)", table.rename(columns={"y": name}))


# --- factories ------------------------------------------------------------------------------------


@pytest.fixture
def arrays(table) -> dict:
    index = np.repeat(np.arange(8), 5)
    return {"X": table[["x", "z"]].to_numpy(), "idx": index, "y": table["y"].to_numpy()}


ARRAYS = {
    "short idx": ({"idx": np.arange(39)}, "columns differ in length: y 40, idx 39"),
    "short y": ({"y": np.arange(39.0)}, "columns differ in length: y 39"),
    "deep X": ({"X": np.ones((N, 2, 1))}, r"X has the shape \(40, 2, 1\)"),
    "no X": ({"X": None}, r"X has the shape \(\)"),
    "wide y": ({"y": np.ones((N, 2))}, r"y has the shape \(40, 2\)"),
    "columns of one name": (
        {"X": pd.DataFrame(np.ones((N, 2)), columns=["a", "a"])},
        "several columns .*'a'",
    ),
    "names that become one": ({"X": pd.DataFrame({"a b": range(N), "a.b": 1.0})}, "several columns .*'a.b'"),
    "predictor called y": ({"X": pd.DataFrame({"y": np.arange(N)})}, "two different columns are called 'y'"),
    "constant": ({"X": np.full((N, 1), 2.0)}, "'X1' is 2 in every row"),
    "reserved": ({"idx": pd.Series(np.arange(N) % 4, name="draw")}, "cannot be called 'draw'"),
    "other rows": (
        {"X": pd.DataFrame({"a": range(N)}), "y": pd.Series(range(N), index=range(N)[::-1])},
        "'X' and 'y' have different indexes",
    ),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_are_refused(name, arrays):
    change, said = ARRAYS[name]
    with pytest.raises(DataError, match=said):
        hm.varying_intercept(**{**arrays, **change})


@pytest.mark.parametrize("name", ["X", "idx", "y"])
def test_missing_values_in_arrays_are_dropped_and_counted_once(name, arrays):
    """A NaN in y used to make default priors of NaN."""
    values = arrays[name].astype(float)
    values[0] = np.nan
    with pytest.warns(DataWarning, match="dropped 1 of 40 rows") as caught:
        model = hm.varying_intercept(**{**arrays, name: values})
    assert model.design.n_rows == 39 and len(caught) == 1
    assert np.isfinite(model.spec.predictors[0].intercept.args).all()


def test_multivariate_needs_outcomes_and_varying_columns(arrays):
    ones = np.ones((N, 1))
    with pytest.raises(DataError, match="Y has 1 column; .* two or more"):
        hm.multivariate(arrays["X"], ones, arrays["idx"], arrays["y"])
    with pytest.raises(DataError, match="V has no column"):
        hm.melsm(arrays["X"], ones, ones, np.empty((N, 0)), arrays["idx"], arrays["y"])
