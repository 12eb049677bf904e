"""From files to batches of named arrays: readers by format, what DATA means, which column is which role."""
