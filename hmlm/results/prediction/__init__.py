"""Predictions of a fit, for the rows it was fitted to and for new ones, in chunks of rows."""
