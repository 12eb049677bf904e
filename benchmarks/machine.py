"""Descriptions of the machine and the versions that a measurement depends on."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path


def version(package: str) -> str | None:
    """Return the version of an installed distribution."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def versions(*packages: str) -> str:
    """Return one line with the versions of losscli, Python and the installed ones of these packages."""
    found = {
        "losscli": _losscli_version(),
        "Python": platform.python_version(),
        **{name: version(name) for name in packages},
    }
    return ", ".join(f"{name} {number}" for name, number in found.items() if number)


def _losscli_version() -> str:
    """Return the version of this checkout, whichever is installed."""
    text = (Path(__file__).parent.parent / "losscli" / "version.py").read_text()
    return text.split('"')[-2]


def awk() -> str:
    """Return the name and version of awk. mawk, a common one, knows only the first of these options."""
    for option in ("-W", "version"), ("--version",):
        try:
            done = subprocess.run(
                ["awk", *option], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
            )
        except OSError:
            return "none"
        if done.returncode == 0 and done.stdout:
            return done.stdout.splitlines()[0].split(",")[0]
    return "unknown"


def describe() -> str:
    """Describe CPU, cores, memory, operating system and load."""
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    load = os.getloadavg()[0]
    return f"{_cpu()}, {_cores()} cores, {gigabytes:.0f} GB of memory, {_system()}; load {load:.1f} at the start"


def _cores() -> int:
    """Return the number of cores that this process may use."""
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
