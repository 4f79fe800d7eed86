"""model.yaml: a call of ``hm.fit`` as a file.

Its keys are those of the call; whatever it does not say keeps the default of the call.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from hmlm.types import HmlmError

MODEL_KEYS = ("formula", "dpars", "rescor", "sd", "center", "family", "prior", "data2", "sampling")
EXAMPLES = {"dpars": '{sigma: "~ 1 + x"}', "sd": '{id: "~ age"}', "data2": "{A: relatedness.csv}"}
SAMPLING_KEYS: Mapping[str, tuple[type, ...]] = {
    "chains": (int,),
    "warmup": (int,),
    "draws": (int,),
    "seed": (int,),
    "algorithm": (str,),
    "init": (str,),
    "resample": (bool,),
    "devices": (int, list),
    "parallel": (str,),
    "device": (str,),
    "density": (str, dict),
    "target_accept": (float, int),
    "max_tree_depth": (int,),
    "thin": (int,),
    "keep": (str, list),
}


@dataclass(frozen=True)
class ModelFile:
    """What a model.yaml says, checked but not yet parsed as formulas and priors.

    Attributes:
        formulas: one formula per outcome.
        dpars: per outcome the formulas of its other parameters: ``({"sigma": "~ 1 + x"},)``.
        rescor: whether residuals correlate, or a formula for it, ``"~ 1 + (1 |c| id)"``; None if not said.
        center: whether population-level columns are centred for sampling.
        family: name of the response distribution.
        prior: as ``hm.fit`` takes it: text as pasted from R, a mapping, or a list of these.
        sampling: keyword arguments of the sampler.
        sd: per outcome formulas of standard deviations between groups, ``({"id": "~ age"},)``; () of none.
        data2: CSV files of matrices that the formula names, ``{"A": "relatedness.csv"}``, as seen from the
            folder of model.yaml.
    """

    formulas: tuple[str, ...]
    dpars: tuple[Mapping[str, str], ...]
    rescor: bool | str | None = None
    center: bool = True
    family: str = "gaussian"
    prior: Any = None
    sampling: Mapping[str, Any] = field(default_factory=dict)
    sd: tuple[Mapping[str, str], ...] = ()
    data2: Mapping[str, str] = field(default_factory=dict)


def read_model_file(path: Path) -> ModelFile:
    """Read and check a model.yaml.

    Raises:
        HmlmError: it is missing, no YAML, or a key or value is not what it should be.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise HmlmError(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise HmlmError(f"{path} is not YAML: {error}") from error
    try:
        return _model(content)
    except HmlmError as error:
        raise HmlmError(f"{path}: {error}") from None


def _model(content: Any) -> ModelFile:
    mapping = _mapping(content, "the file", MODEL_KEYS)
    if "formula" not in mapping:
        raise HmlmError("no key 'formula'; write one such as formula: \"y ~ x + (1 | id)\"")
    formulas = tuple(_text(f, "formula") for f in _as_list(mapping["formula"]))
    return ModelFile(
        formulas=formulas,
        dpars=_by_outcome("dpars", mapping.get("dpars"), len(formulas)),
        rescor=_rescor(mapping),
        center=_flag(mapping, "center", True),
        family=_text(mapping.get("family", "gaussian"), "family"),
        prior=mapping.get("prior"),
        sampling=_sampling(mapping.get("sampling", {})),
        sd=_by_outcome("sd", mapping["sd"], len(formulas)) if "sd" in mapping else (),
        data2=_formulas_by_name("data2", mapping.get("data2", {})),
    )


def _by_outcome(key: str, value: Any, n_outcomes: int) -> tuple[Mapping[str, str], ...]:
    """One mapping per outcome, from a list of them or, for one outcome, the mapping itself."""
    if value is None:
        return ({},) * n_outcomes
    entries = _as_list(value)
    if len(entries) != n_outcomes:
        raise HmlmError(f"{key}: {n_outcomes} formulas take as many mappings in a list, got {len(entries)}")
    return tuple(_formulas_by_name(key, entry) for entry in entries)


def _formulas_by_name(key: str, entry: Any) -> Mapping[str, str]:
    if not isinstance(entry, Mapping):
        raise HmlmError(f"{key}: expected a mapping such as {EXAMPLES[key]}, got {entry!r}")
    return {str(name): _text(formula, f"{key}: {name}") for name, formula in entry.items()}


def _sampling(value: Any) -> Mapping[str, Any]:
    mapping = _mapping(value, "sampling", tuple(SAMPLING_KEYS))
    for key, setting in mapping.items():
        types = SAMPLING_KEYS[key]
        if not isinstance(setting, types) or (isinstance(setting, bool) and bool not in types):
            raise HmlmError(f"sampling: {key} must be {types[0].__name__}, got {setting!r}")
    return dict(mapping)


def _flag(mapping: Mapping[str, Any], key: str, default: bool | None) -> Any:
    value = mapping.get(key, default)
    if value is not default and not isinstance(value, bool):
        raise HmlmError(f"{key} must be true or false, got {value!r}")
    return value


def _rescor(mapping: Mapping[str, Any]) -> bool | str | None:
    value = mapping.get("rescor")
    if value is None or isinstance(value, bool) or (isinstance(value, str) and "~" in value):
        return value
    raise HmlmError(f'rescor must be true, false or a formula such as "~ 1 + (1 | id)", got {value!r}')


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise HmlmError(f"{where} must be text (put it in quotes), got {value!r}")
    return value


def _as_list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _mapping(value: Any, where: str, known: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise HmlmError(f"{where}: expected keys such as {', '.join(known[:3])}, got {value!r}")
    for key in value:
        if key not in known:
            raise HmlmError(f"{where}: unknown key '{key}'{_suggestion(str(key), known)}")
    return value


def _suggestion(key: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean '{close[0]}'?" if close else f"; the keys are {', '.join(known)}"
