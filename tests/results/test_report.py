"""The page of a fit: every section is there, its numbers are those of the tables, it needs nothing else."""

from __future__ import annotations

import base64
import dataclasses
import re
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import hmlm as hm
from hmlm.cli import main
from hmlm.datasets import simulate_cafes
from hmlm.results.diagnosis.agreement import MAX_RHAT
from hmlm.results.report.figures import Figures
from hmlm.results.report.page import CHAPTERS

from .plots.conftest import short_fit

TITLES = [name for _, name in CHAPTERS]
EMPTY = {"meta", "img", "br", "link", "hr"}


class Page(HTMLParser):
    """What a page holds: elements with their attributes, tables by caption, text by element."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.tables, self.texts, self.open = [], {}, {}, []
        self.caption, self.rows = "", []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)
        if tag == "table":
            self.rows = self.tables.setdefault(self.caption, [])
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
        self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        for tag in set(self.open):
            self.texts[tag][-1] += data
        if "table" in self.open and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.strip()
        if self.open and self.open[-1] == "figcaption":
            self.caption = self.texts["figcaption"][-1]

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def row(self, caption, name, nth=0):
        """Numbers of the nth row of that name."""
        found = [row for row in self.tables[caption] if row and row[0] == name][nth]
        return [number(cell) for cell in found[1:]]


def number(text):
    return float(text.strip("\u2007").replace("\u2212", "-").replace("–", "nan"))


def written(fit, folder, **options):
    return fit.report(folder / "fit.html", **options).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def cafes():
    table = simulate_cafes(5, n_cafes=12, n_visits=8)
    table["weather"] = np.where(np.arange(len(table)) % 3 == 0, "<rain> & wind", "sun")
    formula = hm.bf("wait ~ 1 + afternoon + weather + (1 + afternoon | cafe)")
    return short_fit(formula, table, data_name="cafés")


# Models and shapes of those whose figures are tested: compiled once for both.


@pytest.fixture(scope="module")
def melsm():
    """48 people and a row that is not complete."""
    rng = np.random.default_rng(4)
    people = np.append(np.repeat(np.arange(48), 6), 0)
    z = rng.normal(size=(48, 2)) @ np.array([[1.0, -0.3], [0.0, 0.4]])
    x = rng.normal(size=len(people))
    y = z[people, 0] + 0.4 * x + np.exp(z[people, 1] - 0.5) * rng.normal(size=len(people))
    y[-1] = np.nan
    table = pd.DataFrame({"id": [f"p{i}" for i in people], "x.z": x, "y.z": y})
    with pytest.warns(hm.DataWarning):
        return short_fit(hm.bf("y.z ~ x.z + (1 | c | id)", sigma="~ x.z + (1 | c | id)"), table)


@pytest.fixture(scope="module")
def outcomes():
    """Two outcomes and two factors."""
    rng = np.random.default_rng(5)
    table = pd.DataFrame({"a": np.arange(60) % 6, "b": np.arange(60) // 10, "x": rng.normal(size=60)})
    table.loc[0, "a"] = 6
    table["u.1"] = 0.5 * table["x"] + 0.3 * table["a"] + rng.normal(size=60)
    table["v"] = 0.4 * table["b"] + rng.normal(size=60)
    formula = hm.bf("u.1 ~ x + (1 + x || a) + (1 | b)") + hm.bf("v ~ 1 + (1 | b)") + hm.set_rescor(True)
    return short_fit(formula, table, prior="prior(exponential(1), class = sd, resp = u.1)")


@pytest.fixture(scope="module")
def pages(cafes, melsm, outcomes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    fits = {"cafes": cafes, "melsm": melsm, "outcomes": outcomes}
    return {name: written(fit, folder) for name, fit in fits.items()}


@pytest.fixture(params=["cafes", "melsm", "outcomes"])
def text(request, pages):
    return pages[request.param]


@pytest.fixture
def without_figures(monkeypatch):
    """Reports whose figures nobody looks at."""
    monkeypatch.setattr("hmlm.results.report.page.make_figures", lambda *arguments: Figures((), ()))


@pytest.fixture(autouse=True)
def no_window(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")


def test_every_chapter_is_there_in_order_and_in_the_contents(text):
    page = Page(text)
    assert page.texts["h2"] == ["Contents", *TITLES]
    ids = [attributes["id"] for attributes in page.of("h2") if "id" in attributes]
    assert [a["href"] for a in page.of("a")][: len(ids)] == [f"#{chapter}" for chapter in ids]
    every = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(every) == len(set(every))


def test_it_loads_nothing(text):
    page = Page(text)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "iframe", "object", "embed", "base", "audio", "video"}
    sources = [v for _, attributes in page.elements for k, v in attributes.items() if k in ("src", "srcset")]
    assert sources and all(source.startswith("data:image/png;base64,") for source in sources)
    (style,) = page.texts["style"]
    assert "url(" not in style and "@import" not in style and "@media print" in style
    assert re.findall(r"https?://", re.sub(r'<a href="[^"]*">[^<]*</a>', "", text)) == []


def test_mathematics_is_well_formed(text):
    found = re.findall(r"<math .*?</math>", text, re.DOTALL)
    assert len(found) == 4
    assert all(ElementTree.fromstring(part).find("mtable") is not None for part in found)


def test_figures_have_captions_alt_text_and_a_size(text):
    page = Page(text)
    images = page.of("img")
    captions = [c for c in page.texts["figcaption"] if c.startswith("Figure")]
    numbers = [int(caption.split(".")[0].removeprefix("Figure ")) for caption in captions]
    assert numbers == list(range(1, len(images) + 1)) and len(images) >= 8
    for image in images:
        assert len(image["alt"]) > 20 and int(image["width"]) > 100 < int(image["height"])
        png = base64.b64decode(image["src"].partition(",")[2])
        assert png.startswith(b"\x89PNG")
        size = np.frombuffer(png[16:24], ">u4")
        np.testing.assert_allclose(size[0] / size[1], int(image["width"]) / int(image["height"]), rtol=0.01)


@pytest.mark.parametrize("name", ["cafes", "melsm", "outcomes"])
def test_numbers_are_those_of_the_summary(name, pages, request):
    fit, page = request.getfixturevalue(name), Page(pages[name])
    summary = fit.summary()
    population = [row.label for row in fit.info.rows if row.section == "population"]
    for label in population:
        estimate, error, low, high, rhat, bulk, tail = page.row("Population-level coefficients", label)
        row = summary.loc[label]
        np.testing.assert_allclose([estimate, error, low, high], row.iloc[:4], atol=0.0051)
        np.testing.assert_allclose([rhat, bulk, tail], row.iloc[4:], atol=0.51)
        assert abs(rhat - row["Rhat"]) < 0.0051
    body = [row for row in page.tables["Population-level coefficients"] if len(row) == 8 and row[0]]
    assert [row[0] for row in body] == sorted(population, key=[row[0] for row in body].index)


def test_variation_is_that_of_var_corr(pages, cafes, outcomes):
    page, found = Page(pages["cafes"]), cafes.var_corr()
    caption = "Standard deviations of group effects and residuals"
    for row in found.sd.itertuples():
        low, high = row[-2:]
        cells = page.row(caption, row.term or "sigma")
        np.testing.assert_allclose(cells[:4], [row.Estimate, row[4], low, high], atol=0.0051)
    cor = found.cor.iloc[0]
    cells = page.row("Correlations of group effects", f"{cor['term']}, {cor['term2']}")
    np.testing.assert_allclose(cells[0], cor["Estimate"], atol=0.0051)
    page, found = Page(pages["outcomes"]), outcomes.var_corr().cor
    residual = found[found["group"] == "Residual"].iloc[0]
    cells = page.row("Correlations of residuals", f"{residual['term']}, {residual['term2']}")
    np.testing.assert_allclose(cells[0], residual["Estimate"], atol=0.0051)


def test_shares_of_variance(pages, cafes, melsm):
    page = Page(pages["cafes"])
    (r2,) = [caption for caption in page.tables if caption.startswith("Bayesian R²")]
    (icc,) = [caption for caption in page.tables if caption.startswith("Intraclass")]
    np.testing.assert_allclose(
        page.row(r2, "R², all effects")[0], cafes.bayes_r2().loc["R2", "Estimate"], atol=0.0051
    )
    level = cafes.bayes_r2(re_formula="NA").loc["R2", "Estimate"]
    np.testing.assert_allclose(page.row(r2, "R², population level")[0], level, atol=0.0051)
    np.testing.assert_allclose(page.row(icc, "cafe")[0], cafes.icc().loc["cafe", "Estimate"], atol=0.0051)
    assert not any(caption.startswith("Intraclass") for caption in Page(pages["melsm"]).tables)
    assert "No intraclass correlation: sigma has a formula" in pages["melsm"]


def test_data_are_summarised_as_by_precis(pages, cafes, melsm):
    page = Page(pages["cafes"])
    wanted = hm.precis(cafes.design.table[["wait"]]).iloc[0]
    cells = [row for row in page.tables["Outcomes and predictors in the rows used"] if row[0] == "wait"][0]
    np.testing.assert_allclose(
        [number(cell) for cell in cells[1:5]], wanted.iloc[:4].astype(float), atol=0.0051
    )
    assert cells[5] == wanted["histogram"]
    counts = cafes.design.table["weather"].value_counts()
    (row,) = [row for row in page.tables["Categories"] if row[0] == "<rain> & wind"]
    assert row[1] == str(counts["<rain> & wind"])
    assert "cafés" in pages["cafes"] and "no row was left out" in pages["cafes"]
    assert "1 rows" not in pages["melsm"] and "1 row with a missing value" in pages["melsm"]
    assert page.row("Grouping factors", "cafe") == [12, 8, 8, 8]


def test_text_of_the_data_is_escaped(pages):
    assert "<rain>" not in pages["cafes"] and "&lt;rain&gt; &amp; wind" in pages["cafes"]


def test_problems_are_said_with_what_to_try(melsm, change_draws, without_figures, tmp_path):
    shifted = melsm.posterior["b_x.z"].values + np.array([[0.0], [5.0]])
    text = written(change_draws(melsm, **{"b_x.z": shifted}), tmp_path)
    assert f"R-hat is above {MAX_RHAT}" in text and "stayed elsewhere" in text
    assert f"fit.update(seed={melsm.info.seed + 1})" in text
    assert "No problem was found" not in text


def test_figures_fit_the_model(pages):
    melsm, cafes = pages["melsm"], pages["cafes"]
    assert "Location against scale" in melsm and "Location against scale" not in cafes
    assert "Shrinkage of Intercept and afternoon" in cafes and "Shrinkage of" not in melsm
    checks = [image["alt"] for image in Page(pages["outcomes"]).of("img") if "observed" in image["alt"]]
    assert ["u.1" in checks[0], "of the observed v " in checks[1]] == [True, True]


def test_how_it_was_computed_and_how_to_cite(pages, melsm):
    text = pages["melsm"]
    assert f"Seed</dt><dd>{melsm.info.seed}<" in text and melsm.info.data_hash in text
    assert dict(melsm.info.versions)["numpyro"] in text
    assert "informed" in text and "integrated out" in text
    page = Page(text)
    links = [a["href"] for a in page.of("a") if not a["href"].startswith("#")]
    assert "https://doi.org/10.1214/20-BA1221" in links
    assert "https://doi.org/10.1111/j.1541-0420.2007.00924.x" in links
    assert "https://doi.org/10.1111/j.1541-0420.2007.00924.x" not in pages["cafes"]
    (methods,) = page.texts["blockquote"]
    assert methods.startswith(
        "We fitted a mixed-effects location scale model of y.z to 288 rows of 48 levels of id"
    )


def test_prob_and_title(cafes, without_figures, tmp_path):
    text = written(cafes, tmp_path, title="Waiting <for> coffee", prob=0.8)
    page = Page(text)
    assert page.texts["h1"] == ["Waiting <for> coffee"] == page.texts["title"]
    low = cafes.summary(0.8).loc["Intercept", "l-80% CI"]
    np.testing.assert_allclose(page.row("Population-level coefficients", "Intercept")[2], low, atol=0.0051)


def test_a_loaded_fit_and_the_command_line(melsm, pages, tmp_path, capsys):
    melsm.save(tmp_path / "m.nc")
    assert main(["report", str(tmp_path / "m.nc")]) == 0
    assert f"Wrote {tmp_path / 'm.html'}" in capsys.readouterr().out
    first, again = Page(pages["melsm"]), Page((tmp_path / "m.html").read_text(encoding="utf-8"))
    assert again.tables == first.tables
    assert [image["alt"] for image in again.of("img")] == [image["alt"] for image in first.of("img")]
    assert main(["report", str(tmp_path / "m.nc"), "--out", str(tmp_path / "no" / "m.html")]) == 2
    assert "there is no folder" in capsys.readouterr().err


def test_figures_that_a_file_cannot_give_are_left_out_in_words(melsm, tmp_path):
    melsm.save(tmp_path / "m.nc", effects=False)
    text = written(hm.load_fit(tmp_path / "m.nc"), tmp_path)
    assert "saved without group effects" in text
    assert "Population-level coefficients with 66%" in text and "Effects of the 48 levels" in text


def test_errors_teach(cafes, monkeypatch, tmp_path):
    with pytest.raises(hm.HmlmError, match="is a folder; name a file"):
        cafes.report(tmp_path)
    with pytest.raises(hm.HmlmError, match="there is no folder"):
        cafes.report(tmp_path / "no" / "m.html")
    with pytest.raises(hm.HmlmError, match="prob = 95"):
        cafes.report(tmp_path / "m.html", prob=95)
    bare = dataclasses.replace(cafes, spec=None, design=None)
    with pytest.raises(hm.HmlmError, match="needs the model and its data"):
        bare.report(tmp_path / "m.html")
    for module in ("jinja2", "great_tables"):
        with monkeypatch.context() as patched:
            patched.setitem(sys.modules, module, None)
            with pytest.raises(hm.HmlmError, match=rf'needs {module}.*pip install "hmlm\[report\]"'):
                cafes.report(tmp_path / "m.html")
    assert list(tmp_path.iterdir()) == []
