import io

import pandas as pd
import pytest

from hmlm.datasets.table import content_sha256, csv_bytes, read_csv, with_levels
from hmlm.types import DataError

TEXT = b'name,x\n"NA",1\nnone,NA\nnull,0.1\nN/A,\n,3\n'


def test_only_na_and_empty_cells_are_missing():
    table = read_csv(io.BytesIO(TEXT))
    assert table["name"].dropna().tolist() == ["none", "null", "N/A"]
    assert table["x"].isna().tolist() == [False, True, False, True, False]


def test_csv_bytes_round_trip():
    table = pd.DataFrame({"x": [0.1 + 0.2, 1 / 3, None], "g": ["a", None, "none"]})
    pd.testing.assert_frame_equal(read_csv(io.BytesIO(csv_bytes(table))), table, check_dtype=False)


def test_content_checksum_ignores_the_file_format_but_not_the_values():
    table = pd.DataFrame({"x": [1.0, 2.5], "g": ["a", "b"]})
    as_factor = table.assign(g=pd.Categorical(table["g"]))
    assert content_sha256(as_factor) == content_sha256(table)
    assert content_sha256(table.assign(x=[1, 2.6])) != content_sha256(table)


def test_levels_are_unordered_with_the_reference_first():
    table = with_levels(pd.DataFrame({"size": ["large", "small", None]}), {"size": ("small", "large")})
    assert list(table["size"].cat.categories) == ["small", "large"]
    assert not table["size"].cat.ordered
    assert table["size"].isna().sum() == 1


def test_a_value_outside_the_levels_is_an_error_that_names_it():
    with pytest.raises(DataError, match="column 'size' has the level 'huge'; known are small, large"):
        with_levels(pd.DataFrame({"size": ["huge"]}), {"size": ("small", "large")})
