"""The task that workers run, sent as this source text: workers and schedulers with another losscli, or without it, must
not put their own in its place."""

from __future__ import annotations

from typing import Any


def identify_losscli() -> str:
    """Return the version of losscli in this process and a digest of its source, or why it cannot be imported.

    The digest is kept in the package: this function is sent anew with every task.
    """
    import hashlib
    from pathlib import Path

    try:
        import losscli
        from losscli.version import __version__
    except ImportError as error:
        return f"no losscli ({error})"
    if (digest := vars(losscli).get("source_digest")) is None:
        source, folder = hashlib.sha256(), Path(losscli.__file__).parent
        for path in sorted(folder.rglob("*.py")):
            data = path.read_bytes()
            source.update(f"{path.relative_to(folder).as_posix()} {len(data)} ".encode() + data)
        digest = vars(losscli)["source_digest"] = source.hexdigest()[:12]
    return f"losscli {__version__} (source {digest})"


def run_task(expected: str, task: bytes, plan: bytes) -> Any:
    """Run a pickled function with its arguments and the plan; return a text if losscli is not the expected one here.

    Nothing of the task is unpickled before that is known: it may mean something else here.
    """
    import pickle

    found = identify_losscli()
    if found != expected:
        from distributed import get_worker

        return f"worker {get_worker().address} has {found}"
    function, arguments = pickle.loads(task)
    return function(*arguments, plan)
