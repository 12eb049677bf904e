"""Evaluate losses on batches, and reduce them in threads or on a cluster."""
