"""The mathematics of every family, one file each."""
