"""The page in a browser: headless Chromium lays it out, mathematics and figures included."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import numpy as np
import pytest

import hmlm as hm
from hmlm.datasets import simulate_cafes
from hmlm.results.report.page import CHAPTERS

from .plots.conftest import short_fit

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
AS_ROOT = ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
PROBE = """
<script>
addEventListener("load", () => {
const seen = {};
seen.images = [...document.images].every(i => i.complete && i.naturalWidth > 0);
seen.sideways = document.documentElement.scrollWidth > document.documentElement.clientWidth;
seen.math = [...document.querySelectorAll("math")].map(m => m.namespaceURI.endsWith("MathML")
  && m.getBoundingClientRect().height > 10);
seen.headings = document.querySelectorAll("main h2").length;
seen.loads = performance.getEntriesByType("resource").filter(r => !r.name.startsWith("data:")).length;
document.body.dataset.seen = JSON.stringify(seen);
});
</script>
"""

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome here to open the page with")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    os.environ.setdefault("MPLBACKEND", "Agg")
    formula = hm.bf("wait ~ 1 + afternoon + (1 + afternoon | cafe)", center=False)
    fit = short_fit(formula, simulate_cafes(5, n_cafes=12, n_visits=8))
    return fit.report(tmp_path_factory.mktemp("page") / "fit.html")


def browse(page, folder, *more):
    """What the browser prints about a page, opened with a profile of its own."""
    command = [BROWSER, *FLAGS, *AS_ROOT, f"--user-data-dir={folder / 'profile'}", *more, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("width", [1280, 390], ids=["desk", "phone"])
def test_it_is_laid_out_whole(page, tmp_path, width):
    probed = tmp_path / "probed.html"
    probed.write_text(
        page.read_text(encoding="utf-8").replace("</body>", f"{PROBE}</body>"), encoding="utf-8"
    )
    dom = browse(probed, tmp_path, f"--window-size={width},900", "--dump-dom")
    (seen,) = re.findall(r'data-seen="([^"]*)"', dom)
    seen = seen.replace("&quot;", '"')
    assert '"images":true' in seen
    assert '"sideways":false' in seen
    assert '"math":[true,true,true,true]' in seen
    assert f'"headings":{len(CHAPTERS)}' in seen
    assert '"loads":0' in seen


def test_its_picture_is_not_blank(page, tmp_path):
    from matplotlib.image import imread

    picture = tmp_path / "page.png"
    browse(page, tmp_path, "--window-size=1280,2000", f"--screenshot={picture}")
    pixels = imread(picture)[..., :3]
    assert pixels.shape[:2] == (2000, 1280)
    ink = (pixels < 0.5).all(axis=-1)
    assert 0.005 < ink.mean() < 0.3
    assert all(band.any() for band in np.array_split(ink[:1900], 10))
