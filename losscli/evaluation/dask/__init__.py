"""Evaluate parts of a dataset on a Dask cluster."""
