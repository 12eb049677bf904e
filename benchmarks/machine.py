"""What a measurement depends on: the machine and the versions."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

PACKAGES = ("click", "numpy", "pandas", "pyarrow", "duckdb", "polars", "scikit-learn", "torch", "dask")


def version(package: str) -> str | None:
    """Of an installed distribution."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def versions() -> str:
    """All of them, in a line."""
    found = {"losscli": _losscli(), "Python": platform.python_version(), "awk": _awk()}
    found |= {package: version(package) for package in PACKAGES}
    return ", ".join(f"{name} {number}" for name, number in found.items() if number)


def _losscli() -> str:
    """Of this checkout, whichever is installed."""
    text = (Path(__file__).parent.parent / "losscli" / "version.py").read_text()
    return text.split('"')[-2]


def _awk() -> str | None:
    """Every awk tells its version in another way; mawk, a usual one, only in this."""
    for option in ("-W", "version"), ("--version",):
        try:
            done = subprocess.run(
                ["awk", *option], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
            )
        except OSError:
            return None
        if done.returncode == 0 and done.stdout:
            return f"({done.stdout.splitlines()[0].split(',')[0]})"
    return None


def describe() -> str:
    """CPU, cores, memory, operating system, and how busy it was."""
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    load = os.getloadavg()[0]
    return f"{_cpu()}, {_cores()} cores, {gigabytes:.0f} GB of memory, {_system()}; load {load:.1f} at the start"


def _cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _system() -> str:
    try:
        return f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Linux {platform.release().partition('-')[0]}"
    except OSError:
        return f"{platform.system()} {platform.release()}"
