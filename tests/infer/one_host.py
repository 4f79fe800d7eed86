"""What :mod:`two_hosts` draws, by one process with four devices."""

from __future__ import annotations

import sys

import numpy as np
from two_hosts import drawn

if __name__ == "__main__":
    np.savez(sys.argv[1], threads=drawn(chains=4), spread=drawn(chains=8, devices=4))
