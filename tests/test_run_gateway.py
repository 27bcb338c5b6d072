import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import run_gateway


def old_python() -> str | None:
    """A Python 3.x before 3.12, where this machine has one."""
    for version in range(6, 12):
        for directory in [*os.get_exec_path(), *map(str, Path.home().glob(f".pyenv/versions/3.{version}.*/bin"))]:
            candidate = Path(directory) / f"python3.{version}"
            if candidate.exists() and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
                return str(candidate)
    return None


def bare(tmp_path: Path) -> Path:
    """The file alone, with no `.venv` beside it."""
    return Path(shutil.copy(run_gateway.__file__, tmp_path))


def test_an_old_python_is_told_what_it_needs(tmp_path: Path):
    python = old_python()
    if python is None:
        pytest.skip("there is no older Python here")
    done = subprocess.run([python, bare(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Sallyport needs Python 3.12 or newer; this is 3.")


def test_missing_libraries_are_told_how_to_get_them(tmp_path: Path):
    done = subprocess.run([sys.executable, "-I", "-S", bare(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "Sallyport's libraries are not installed here: run `make setup` first.\n"


def test_it_enters_the_environment_beside_it(tmp_path: Path):
    file = bare(tmp_path)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "entered: $*"\n')
    python.chmod(0o755)
    done = subprocess.run([sys.executable, "-I", "-S", file, "keys", "list"], capture_output=True, text=True, check=False)
    assert done.stdout == f"entered: {file} keys list\n"
