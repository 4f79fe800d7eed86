"""Tables to try things on: the published data sets by name, and generators with a known truth."""

from hmlm.datasets.affect import simulate_affect
from hmlm.datasets.cafes import simulate_cafes
from hmlm.datasets.catalog import NAMES
from hmlm.datasets.load import load_dataset

__all__ = ["NAMES", "load_dataset", "simulate_affect", "simulate_cafes"]
