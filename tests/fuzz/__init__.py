"""Fuzzers of everything that comes in: each input equals an independent reading, or is refused in one line.

`test_*.py` hold one subject each: a Hypothesis strategy of cases, and an independent reading of a case. `check.py` runs
a case by every route (file, pipe, one thread and four, whole and cut into parts) in a child process (`worker.py`) and
says what is wrong with the outcome. `python -m tests.fuzz --examples 20000 csv json` prints counts.
"""
