"""CSV and TSV: from bytes to columns."""
