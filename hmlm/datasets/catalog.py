"""The data sets that can be loaded by name: where they are published and how to recognise them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from hmlm.datasets.published import read_rdata, read_tsv
from hmlm.types import DataError


@dataclass(frozen=True)
class Form:
    """A published form other than CSV.

    Attributes:
        read: the file's bytes -> table.
        content: :func:`hmlm.datasets.table.content_sha256` of that table.
        needs: optional package that reading takes, ``""`` for none.
    """

    read: Callable[[bytes], pd.DataFrame]
    content: str
    needs: str = ""


@dataclass(frozen=True)
class DataSet:
    """A published table.

    Attributes:
        name: what to call it; ``name.csv`` is its file.
        url: where it is published.
        sha256: of the CSV file.
        form: how it is published, None for that very CSV file.
        levels: order of the levels of its factors, the reference first.
    """

    name: str
    url: str
    sha256: str
    form: Form | None = None
    levels: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        """Name of its CSV file."""
        return f"{self.name}.csv"


_MIXED_MODELS = "https://raw.githubusercontent.com/m-clark/mixed-models-with-R/master/data"

_ALL = (
    DataSet(
        "williams",
        "https://raw.githubusercontent.com/sjweston/uobayes/refs/heads/main/files/data/external_data/williams.csv",
        "22068276f672cd238cd8447b717c20fb9e7de2faf31f6dae6cfd857ce389e0c2",
    ),
    DataSet(
        "gpa",
        f"{_MIXED_MODELS}/gpa.RData",
        "5fe955d69e729a65aa4a1f02ee858b63a555a5608edc36df6b7ca18caf1fb594",
        Form(read_rdata, "7c1eec50027b5ad9c82e118ef5b0d46bf30e300ddd195602b301856d9bc1c48c", needs="rdata"),
    ),
    DataSet(
        "pupils",
        f"{_MIXED_MODELS}/pupils.RData",
        "6e8b498765dc353d254c861785751025fdb6fe976d1ae3ed584a6a4068b7a19e",
        Form(read_rdata, "6f57737db17657de0d89619f7b1936b7a9a772d4f52d45fe9de85c07ce1a51b4", needs="rdata"),
        {"sex": ("male", "female"), "ses": ("lowest", "2", "3", "4", "5", "highest")},
    ),
    DataSet(
        "nurses",
        f"{_MIXED_MODELS}/nurses.RData",
        "46eb8db39248ec3834fc127bdbc9f30ca29931e576f73286008d01773bb4bd28",
        Form(read_rdata, "e13380bd4e8f84ce4bf297477562ebf1f51ba18a135146a01fbd4cb3a92ab8af", needs="rdata"),
        {
            "sex": ("Male", "Female"),
            "hospsize": ("small", "medium", "large"),
            "treatment": ("Ctrl", "Training"),
        },
    ),
    DataSet(
        "speed_dating",
        f"{_MIXED_MODELS}/speed_dating.RData",
        "8a413aabd4c1964123997621fba0b82875c8a52fa32e21056b28ab61ac06d948",
        Form(read_rdata, "e6453049e7c0fe8b33bffe51437f8972ad607d18ae648bfec5e0889def1ac047", needs="rdata"),
        {"sex": ("Female", "Male"), "samerace": ("No", "Yes")},
    ),
    DataSet(
        "cheese",
        "https://raw.githubusercontent.com/storopoli/Bayesian-Julia/master/datasets/cheese.csv",
        "7b67119f26837b55959f6fcc1fa6a03c1a357b39b3ee8446ffcd0699b6d59e5d",
    ),
    DataSet(
        "gapminder",
        "https://raw.githubusercontent.com/jennybc/gapminder/HEAD/inst/extdata/gapminder.tsv",
        "9859ce5cbcc146efe608feb5cf917b6c60f8767fe7df2ebe49b00598a0baf099",
        Form(read_tsv, "eafdfb518a7d1c888ba3dc96e13cf61592ecc0d598c38745a7059491b0eccee9"),
    ),
)

CATALOG: Mapping[str, DataSet] = {data_set.name: data_set for data_set in _ALL}

NAMES: tuple[str, ...] = tuple(CATALOG)


def find(name: str) -> DataSet:
    """The data set of that name.

    Raises:
        DataError: there is none; the message suggests one and lists all.
    """
    if name in CATALOG:
        return CATALOG[name]
    close = difflib.get_close_matches(str(name).lower(), NAMES, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else "."
    raise DataError(f"load_dataset: no data set '{name}'{hint} There are {', '.join(NAMES)}")
