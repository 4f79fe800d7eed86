import pytest

import hmlm as hm
from hmlm.cli.fit import formula_of
from hmlm.cli.model_file import ModelFile, read_model_file
from hmlm.types import HmlmError

FULL = """
formula: "PA.std ~ 1 + (1 | c | id)"
dpars: {sigma: "~ 1 + (1 | c | id)"}
family: gaussian
center: false
prior: [{prior: "normal(0, 0.2)", class: Intercept}, {prior: "exponential(1)", class: sd, dpar: sigma}]
sampling: {chains: 4, warmup: 1000, draws: 1000, seed: 14, target_accept: 0.9}
"""


@pytest.fixture
def read(tmp_path):
    def read(text: str) -> ModelFile:
        path = tmp_path / "model.yaml"
        path.write_text(text)
        return read_model_file(path)

    return read


def test_a_file_mirrors_the_call(read):
    assert read(FULL) == ModelFile(
        formulas=("PA.std ~ 1 + (1 | c | id)",),
        dpars=({"sigma": "~ 1 + (1 | c | id)"},),
        center=False,
        family="gaussian",
        prior=[
            {"prior": "normal(0, 0.2)", "class": "Intercept"},
            {"prior": "exponential(1)", "class": "sd", "dpar": "sigma"},
        ],
        sampling={"chains": 4, "warmup": 1000, "draws": 1000, "seed": 14, "target_accept": 0.9},
    )


def test_what_is_not_said_keeps_its_default(read):
    assert read("formula: y ~ x") == ModelFile(formulas=("y ~ x",), dpars=({},))


def test_several_outcomes_are_a_list(read):
    model = read('formula: ["a ~ 1", "b ~ x"]\nrescor: true\ndpars: [{}, {sigma: "~ x"}]')
    assert model.formulas == ("a ~ 1", "b ~ x")
    assert model.dpars == ({}, {"sigma": "~ x"})
    assert model.rescor is True


def test_a_formula_of_the_residual_correlation(read):
    model = read('formula: [a ~ 1, b ~ x]\nrescor: "~ 1 + (1 |c| id)"')
    assert formula_of(model) == hm.bf("a ~ 1") + hm.bf("b ~ x") + hm.set_rescor("~ 1 + (1 |c| id)")


def test_standard_deviations_between_groups(read):
    model = read('formula: y ~ (1 | id)\nsd: {id: "~ age"}')
    assert model.sd == ({"id": "~ age"},)
    (outcome,) = [formula_of(model)]
    assert [(name, formula.text) for name, formula in outcome.sd] == [("id", "age")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("formula: y ~ x\nsd: {id: 3}", "sd: id must be text"),
        ("formula: [y ~ x, z ~ x]\nsd: {id: ~ age}", "sd: 2 formulas take as many mappings in a list, got 1"),
        ("formula: y ~ x\nsd: ~ age", 'sd: expected a mapping such as {id: "~ age"}'),
        ("formul: y ~ x", "the file: unknown key 'formul'; did you mean 'formula'"),
        ("formula: y ~ x\nqqq: 1", "unknown key 'qqq'; the keys are formula, dpars, rescor"),
        ("formula: y ~ x\nsampling: {drawz: 1}", "sampling: unknown key 'drawz'; did you mean 'draws'"),
        ("formula: y ~ x\nsampling: {chains: 4.5}", "sampling: chains must be int, got 4.5"),
        ("formula: y ~ x\nsampling: {chains: true}", "sampling: chains must be int, got True"),
        ("formula: y ~ x\nsampling: 4", "sampling: expected keys such as chains"),
        ("formula: y ~ x\ndpars: {sigma: ~}", "dpars: sigma must be text"),
        ("formula: y ~ x\ndpars: sigma ~ x", "dpars: expected a mapping"),
        (
            "formula: [y ~ x, z ~ x]\ndpars: {sigma: ~ 1}",
            "dpars: 2 formulas take as many mappings in a list, got 1",
        ),
        ("formula: y ~ x\nrescor: maybe", "rescor must be true, false or a formula such as"),
        ("formula: 3", "formula must be text"),
        ("family: gaussian", "no key 'formula'"),
        ("", "the file: expected keys such as formula"),
        ("formula: [y ~ x", "is not YAML"),
    ],
)
def test_errors_name_the_key_and_the_file(read, text, message):
    with pytest.raises(HmlmError) as error:
        read(text)
    assert message in str(error.value)
    assert "model.yaml" in str(error.value)
