"""Fuzz by hand, and print counts: `python -m tests.fuzz --examples 20000 csv json`."""

from __future__ import annotations

import argparse
import importlib
import time

from tests import conftest
from tests.fuzz.check import Tally, fuzz

SUBJECTS = ["csv", "json", "jsonl", "npy", "npz", "parquet", "feather", "feather_1", "grammar", "gates", "baselines"]
SUBJECTS += ["pictures"]


def main() -> int:
    """Fuzz the subjects named, all of them if none is, and return 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=", ".join(SUBJECTS))
    parser.add_argument("--examples", type=int, default=20_000, help="inputs per subject")
    options = parser.parse_args()
    has_failed = False
    for subject in options.subjects or SUBJECTS:
        module = importlib.import_module(f"tests.fuzz.test_{subject}")
        tally, start = Tally(), time.monotonic()
        fuzz(module.cases(), module.check, tally, options.examples)
        seconds, count = time.monotonic() - start, sum(tally.outcomes.values())
        print(f"{subject}: {count} inputs in {seconds:.0f} s, {count / seconds:.0f} a second")
        for word, times in tally.outcomes.most_common():
            print(f"  {times:6} {word}")
        for cause, times in tally.known.most_common():
            print(f"  {times:6} known: {cause}")
        for kind, (size, case, failure) in sorted(tally.failures.items()):
            print(f"  {tally.times[kind]:6} FAILED: {kind}")
            print(f"         {size} bytes: {case!r}")
            print(f"         {failure.details[:600]!r}")
        has_failed |= bool(tally.failures)
    return int(has_failed)


if __name__ == "__main__":
    conftest.settings.load_profile("losscli")
    raise SystemExit(main())
