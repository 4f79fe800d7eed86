"""One fresh process up to its first draw: ``python -m gpu_benchmarks.first_draw MODEL TABLE WARMUP DRAWS``.

Prints, as JSON, when things were done on the system's clock, which the parent shares.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str]) -> None:
    """Import, state, compile, sample one chain."""
    from gpu_benchmarks.affect_models import FORMULAS, PRIORS
    from gpu_benchmarks.data import read_table

    model, path, warmup, draws = arguments
    import hmlm as hm

    imported = time.time()
    statement = hm.model(FORMULAS[model], read_table(Path(path)), prior=PRIORS[model])
    stated = time.time()
    info = statement.fit(chains=1, warmup=int(warmup), draws=int(draws), progress=False).info
    prepared, first = stated + dict(info.seconds)["prepare"], stated + info.first_draw
    print(json.dumps({"imported": imported, "stated": stated, "prepared": prepared, "first": first}))


if __name__ == "__main__":
    main(sys.argv[1:])
