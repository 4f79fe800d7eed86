"""``hmlm fit``: fit the model of a file to a table."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import partial, reduce
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:
    import pandas as pd

    from hmlm.cli.model_file import ModelFile
    from hmlm.results.fit import Fit
    from hmlm.types import ModelFormula, OutcomeFormula


def fit(
    model: Path | None = None,
    *,
    data: Path | None = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    chains: int | None = None,
    warmup: int | None = None,
    draws: int | None = None,
    seed: int | None = None,
    devices: int | None = None,
    thin: int | None = None,
    keep: list[str] | None = None,
    algorithm: str | None = None,
    init: str | None = None,
    parallel: str | None = None,
    device: str | None = None,
    coordinator: str | None = None,
    processes: int | None = None,
    process_id: int | None = None,
    file_refit: str = "always",
    checkpoint: Path | None = None,
    resume: Path | None = None,
    any_code: bool = False,
) -> int:
    """Fit the model of a YAML file to a table, print the result and save it; or go on with a run.

    Args:
        model: model.yaml with formula, dpars, sd, rescor, center, family, prior, data2 and sampling.
        data: the table, CSV (NA and empty cells are missing) or Parquet.
        output: netCDF file for the fit; may be left out with --checkpoint and --resume.
        chains: number of chains, instead of the file's.
        warmup: warm-up draws per chain, instead of the file's.
        draws: draws per chain after warm-up, instead of the file's.
        seed: seed of the random numbers, instead of the file's.
        devices: number of devices to spread the chains over, instead of the file's; of each process.
        thin: keep the last of every so many draws.
        keep: all, population, or names of draws, each with its own --keep.
        algorithm: auto, nuts, chees or meads, or an approximation: laplace, pathfinder, svi or map; instead
            of the file's.
        init: where it starts: auto, pilot, pathfinder, laplace or map, instead of the file's.
        parallel: auto, shard_map, pmap or threads, instead of the file's.
        device: auto, cpu or gpu, instead of the file's.
        coordinator: host:port of process 0, where several processes share the chains; the same command runs
            on every host. Within a SLURM step of several tasks none of the three needs to be said.
        processes: how many processes; 1 is this one alone, whatever SLURM says.
        process_id: which of them this is, from 0.
        file_refit: whether to sample where the output is there already: always, on_change (if the model, the
            data or the settings have changed) or never.
        checkpoint: folder that the run is written to as it goes.
        resume: folder of a run to go on with; it knows its model, its table and its settings.
        any_code: go on although hmlm or JAX have changed since the run began.
    """
    import hmlm as hm
    from hmlm.cli.cluster import join_hosts

    _check_folder(output)
    given = {
        "chains": chains,
        "warmup": warmup,
        "draws": draws,
        "seed": seed,
        "devices": devices,
        "thin": thin,
        "algorithm": algorithm,
        "init": init,
        "parallel": parallel,
        "device": device,
    }
    if keep is not None:
        given["keep"] = keep[0] if len(keep) == 1 else keep
    first = True
    if resume is None:
        stated, table = _read(model, data, output or checkpoint)
        first = join_hosts(coordinator, processes, process_id)
        how = {"file_refit": file_refit, **_said({"checkpoint": checkpoint, **given})}
        fitted_fn = partial(_fitted, stated, table, (model, data, output), run_of(stated.sampling, how))
    else:
        _check_alone({"model": model, "--data": data, "--checkpoint": checkpoint, **given})
        fitted_fn = partial(_resumed, resume, output, any_code)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hm.SamplingWarning)  # the printed fit ends with them
        fitted = fitted_fn()
    if first:
        print(fitted)
        print(f"\nSaved as {output or checkpoint or resume}.")
    return 0


def _read(model: Path | None, data: Path | None, output: Path | None) -> tuple[ModelFile, pd.DataFrame]:
    """Model file and table, which a new run needs, and a place for what comes of it."""
    from hmlm.cli.model_file import read_model_file
    from hmlm.types import HmlmError

    for name, value in {"model.yaml": model, "--data": data, "--output": output}.items():
        if value is None:
            raise HmlmError(f"{name} is missing: hmlm fit model.yaml --data table.csv --output fit.nc")
    return read_model_file(model), read_table(data)


def _fitted(
    stated: ModelFile, table: pd.DataFrame, files: tuple[Path, Path, Path | None], run: Mapping[str, Any]
) -> Fit:
    """The fit of a model to a table, of files for the model, the data and the fit."""
    import hmlm as hm

    model, data, output = files
    return hm.fit(
        formula_of(stated),
        table,
        family=stated.family,
        prior=stated.prior,
        data2=read_matrices(stated.data2, model.parent),
        data_name=data.name,
        file=output,
        **run,
    )


def _resumed(folder: Path, output: Path | None, any_code: bool) -> Fit:
    import hmlm as hm

    fitted = hm.resume(folder, any_code=any_code)
    if output is not None:
        fitted.save(output)
    return fitted


def run_of(stated: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a file with those of the command line in their place.

    What the file says of chains does not reach an algorithm of the command line that has none.
    """
    from hmlm.infer.arguments import that_apply

    run = {**stated, **given}
    return that_apply(run, given) if "algorithm" in given else run


def formula_of(model: ModelFile) -> OutcomeFormula | ModelFormula:
    """The formula of a model file: ``bf(...)``, or ``bf(...) + bf(...) + set_rescor(...)``."""
    import hmlm as hm

    sds = model.sd or ({},) * len(model.formulas)
    outcomes = [
        hm.bf(text, *(f"{name} {formula}" for name, formula in dpars.items()), center=model.center, sd=sd)
        for text, dpars, sd in zip(model.formulas, model.dpars, sds, strict=True)
    ]
    rescor = [] if model.rescor is None else [hm.set_rescor(model.rescor)]
    return reduce(add, [*outcomes, *rescor])


def read_table(path: Path) -> pd.DataFrame:
    """A CSV or Parquet file as a table.

    Raises:
        DataError: it is missing or cannot be read.
    """
    import pandas as pd

    from hmlm.datasets.table import read_csv
    from hmlm.types import DataError

    if not path.is_file():
        raise DataError(f"--data: there is no file {path}")
    try:
        return pd.read_parquet(path) if path.suffix in (".parquet", ".pq") else read_csv(path)
    except (ValueError, OSError, ImportError) as error:
        raise DataError(f"--data: cannot read {path}: {error}") from error


def read_matrices(files: Mapping[str, str], folder: Path) -> dict[str, pd.DataFrame]:
    """Matrices of CSV files in a folder: the first column and the header name the levels.

    Raises:
        DataError: a file is missing or cannot be read.
    """
    import pandas as pd

    from hmlm.types import DataError

    found = {}
    for name, file in files.items():
        try:
            table = pd.read_csv(folder / file, dtype=str)
            found[name] = table.set_index(table.columns[0])
        except (ValueError, OSError) as error:
            raise DataError(f"data2: cannot read {folder / file}: {error}") from error
    return found


def _said(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _check_alone(others: Mapping[str, object]) -> None:
    """--resume takes the model, the data and the settings of the run that it goes on with."""
    from hmlm.types import HmlmError

    for name, value in others.items():
        if value is not None:
            raise HmlmError(f"--resume goes on with the run as it was begun: leave {name.lstrip('-')} out")


def _check_folder(output: Path | None) -> None:
    """Before the model is fitted, since a fit that cannot be saved is lost."""
    from hmlm.types import HmlmError

    if output is None:
        return
    if not output.parent.is_dir():
        raise HmlmError(f"--output: there is no folder {output.parent}")
    if output.is_dir():
        raise HmlmError(f"--output: {output} is a folder; name a file, such as {output / 'fit.nc'}")
