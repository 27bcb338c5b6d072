#!/usr/bin/env python3
"""Sallyport, from here: `run_gateway.py [serve]` runs the gateway, `run_gateway.py --help` shows what else there is."""

import importlib.util
import os
import sys
from pathlib import Path


def main() -> None:
    """The program: find its libraries, read its settings, do what is asked.

    What is asked is one file of `sallyport/cli/` each. `serve` checks the settings and has `sallyport/supervisor/` make the data
    dir (CA, master key, database) and start redis-server, the console with the recorder, the NER pool and the workers;
    a worker (`sallyport/proxy/worker.py`) builds its mitmproxy Master from `addons.PIPELINE` and serves.
    """
    enter_environment()
    require_python_and_libraries()
    from sallyport.cli.main import cli

    cli(prog_name=Path(sys.argv[0]).name)


def enter_environment() -> None:
    """Run again with the `.venv` beside this file, when it is there and this interpreter lacks the libraries."""
    python = Path(__file__).resolve().parent / ".venv" / "bin" / "python"
    if not _libraries_are_here() and python.exists() and Path(sys.prefix) != python.parents[1]:
        os.execv(python, [str(python), str(Path(__file__).resolve()), *sys.argv[1:]])  # noqa: S606 - our own interpreter


def require_python_and_libraries() -> None:
    if sys.version_info < (3, 12):  # noqa: UP036 - older ones can read this file, and should be told
        sys.exit(f"Sallyport needs Python 3.12 or newer; this is {sys.version.split()[0]}. `make setup` finds one and uses it.")
    if not _libraries_are_here():
        sys.exit("Sallyport's libraries are not installed here: run `make setup` first.")


def _libraries_are_here() -> bool:
    return importlib.util.find_spec("mitmproxy") is not None


if __name__ == "__main__":
    main()
