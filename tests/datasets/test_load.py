import os
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from hmlm.datasets import NAMES, load_dataset
from hmlm.datasets.catalog import CATALOG, DataSet, Form
from hmlm.datasets.load import cache_folder
from hmlm.datasets.published import read_rdata, read_tsv
from hmlm.datasets.table import content_sha256, csv_bytes, file_sha256
from hmlm.types import DataError, DataWarning

TABLE = pd.DataFrame({"size": ["large", "small", "none"], "y": [1.5, None, 0.25]})
LEVELS = {"size": ("none", "small", "large")}
ROWS = {
    "williams": 13033,
    "gpa": 1200,
    "pupils": 1000,
    "nurses": 1000,
    "speed_dating": 7707,
    "cheese": 160,
    "gapminder": 1704,
}

needs_data = pytest.mark.skipif(not os.environ.get("HMLM_DATA_DIR"), reason="HMLM_DATA_DIR is not set")


@pytest.fixture
def toy(tmp_path, monkeypatch) -> DataSet:
    """A data set 'toy' published as CSV in a local folder, with an empty cache and no HMLM_DATA_DIR."""
    published = tmp_path / "published.csv"
    published.write_bytes(csv_bytes(TABLE))
    data_set = DataSet("toy", published.as_uri(), file_sha256(csv_bytes(TABLE)), levels=LEVELS)
    monkeypatch.setitem(CATALOG, "toy", data_set)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("HMLM_DATA_DIR", raising=False)
    return data_set


def publish(monkeypatch, data_set: DataSet, path: Path, content: bytes, form: Form) -> None:
    path.write_bytes(content)
    monkeypatch.setitem(CATALOG, data_set.name, replace(data_set, url=path.as_uri(), form=form))


def test_downloads_once_then_reads_the_cache(toy, tmp_path):
    first = load_dataset("toy")
    (tmp_path / "published.csv").unlink()
    pd.testing.assert_frame_equal(load_dataset("toy"), first)
    assert [path.name for path in cache_folder().iterdir()] == ["toy.csv"]
    assert first["size"].tolist() == ["large", "small", "none"]
    assert tuple(first["size"].cat.categories) == LEVELS["size"]


def test_the_cache_defaults_to_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert cache_folder() == tmp_path / ".cache" / "hmlm" / "data"


def test_data_dir_comes_before_the_cache(toy, tmp_path, monkeypatch):
    load_dataset("toy")
    monkeypatch.setenv("HMLM_DATA_DIR", str(tmp_path))
    (tmp_path / "toy.csv").write_bytes(csv_bytes(TABLE.iloc[:1]))
    with pytest.warns(DataWarning, match="toy.csv is not the published 'toy'"):
        assert len(load_dataset("toy")) == 1


def test_offline_error_says_both_ways(toy, tmp_path, monkeypatch):
    (tmp_path / "published.csv").unlink()
    with pytest.raises(DataError, match="HMLM_DATA_DIR is not set.*set HMLM_DATA_DIR.*try again online"):
        load_dataset("toy")
    monkeypatch.setenv("HMLM_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError, match="has no toy.csv"):
        load_dataset("toy")


def test_offline_error_names_the_optional_package(toy, tmp_path, monkeypatch):
    monkeypatch.setitem(CATALOG, "toy", replace(toy, form=Form(read_rdata, "", needs="rdata")))
    (tmp_path / "published.csv").unlink()
    with pytest.raises(DataError, match="try again online with 'rdata' installed"):
        load_dataset("toy")


def test_a_different_download_is_refused_and_not_cached(toy, tmp_path):
    (tmp_path / "published.csv").write_bytes(b"size,y\nsmall,1\n")
    with pytest.raises(DataError, match="is not the 'toy' we know: SHA-256"):
        load_dataset("toy")
    assert not cache_folder().exists()


def test_a_cache_that_cannot_be_written_is_an_error_that_says_what_to_set(toy, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(DataError, match="set XDG_CACHE_HOME"):
        load_dataset("toy")


def test_another_published_form_is_recognised_by_its_content(toy, tmp_path, monkeypatch):
    content = TABLE.to_csv(sep="\t", index=False, na_rep="NA").encode()
    publish(monkeypatch, toy, tmp_path / "toy.tsv", content, Form(read_tsv, content_sha256(TABLE)))
    assert load_dataset("toy")["y"].tolist()[::2] == [1.5, 0.25]
    assert (cache_folder() / "toy.csv").read_bytes() == csv_bytes(TABLE)


def test_rdata_files_are_converted(toy, tmp_path, monkeypatch):
    rdata = pytest.importorskip("rdata")
    factor = TABLE.assign(size=pd.Categorical(TABLE["size"]))
    rdata.write_rda(tmp_path / "toy.RData", {"toy": factor})
    content = (tmp_path / "toy.RData").read_bytes()
    form = Form(read_rdata, content_sha256(TABLE), needs="rdata")
    publish(monkeypatch, toy, tmp_path / "toy.RData", content, form)
    assert load_dataset("toy")["size"].tolist() == ["large", "small", "none"]


def test_without_rdata_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "rdata", None)
    with pytest.raises(DataError, match="pip install rdata"):
        read_rdata(b"")


def test_an_unknown_name_is_an_error_with_a_suggestion_and_the_list():
    with pytest.raises(DataError, match="did you mean 'williams'.*williams, gpa, .*gapminder"):
        load_dataset("Wiliams")
    with pytest.raises(DataError, match="no data set 'sleepstudy'. There are"):
        load_dataset("sleepstudy")


@pytest.mark.data
@needs_data
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("error")
def test_published_files_are_recognised(name):
    table = load_dataset(name)
    assert len(table) == ROWS[name]
    plain = table.astype(dict.fromkeys(CATALOG[name].levels, object))
    if CATALOG[name].form:
        assert content_sha256(plain) == CATALOG[name].form.content


@pytest.mark.data
@needs_data
def test_factors_have_the_levels_of_r():
    pupils, nurses, dates = map(load_dataset, ("pupils", "nurses", "speed_dating"))
    assert list(pupils["ses"].cat.categories) == ["lowest", "2", "3", "4", "5", "highest"]
    assert pupils["ses"].notna().all()
    assert list(pupils["sex"].cat.categories) == ["male", "female"]
    assert list(nurses["hospsize"].cat.categories) == ["small", "medium", "large"]
    assert list(nurses["treatment"].cat.categories) == ["Ctrl", "Training"]
    assert list(dates["samerace"].cat.categories) == ["No", "Yes"]
    used = ["decision", "sex", "samerace", "attractive_sc", "sincere_sc", "intelligent_sc"]
    assert len(dates[used].dropna()) == 7366
