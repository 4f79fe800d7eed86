"""Settings refuse what cannot be run, naming the argument."""

from __future__ import annotations

import numpy as np
import pytest

from hmlm.infer.settings import Settings
from hmlm.types import HmlmError


@pytest.mark.parametrize(
    "field,value",
    [
        ("chains", 0),
        ("chains", 2.5),
        ("chains", True),
        ("draws", 0),
        ("warmup", -1),
        ("seed", -3),
        ("seed", "14"),
        ("seed", 2**70),
        ("target_accept", "0.9"),
        ("target_accept", None),
        ("devices", 0),
        ("target_accept", 1.0),
        ("target_accept", 0),
        ("max_tree_depth", 0),
    ],
)
def test_bad_settings_name_the_argument_and_its_value(field, value):
    with pytest.raises(HmlmError, match=f"{field}={value!r}"):
        Settings(**{field: value})


def test_numpy_integers_are_whole_numbers():
    assert Settings(chains=np.int64(2)).chains == 2
