"""A data dir as a first start leaves it, and the command line run in this process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sallyport.cli.main import cli
from sallyport.paths import DataDir
from sallyport.providers import load_providers
from sallyport.settings import Settings
from sallyport.supervisor.data_dir import make_private
from sallyport.supervisor.first_start import prepare
from tests.sallyport.cli.support import Run


@pytest.fixture(autouse=True)
def _no_inherited_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("SALLYPORT_") or name.upper() == "HTTPS_PROXY":
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _no_declared_providers() -> Iterator[None]:
    """What a config file adds is known to the whole process."""
    yield
    load_providers()


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("started")
    root.chmod(0o700)
    make_private(DataDir(root))
    prepare(Settings(data_dir=root))
    return root


@pytest.fixture
def data(started: Path, tmp_path: Path) -> DataDir:
    """An installation that was started once and does not run."""
    root = tmp_path / "data"
    shutil.copytree(started, root)
    return DataDir(root)


@pytest.fixture
def run(data: DataDir) -> Run:
    """`run("keys", "list")`: the command on that data dir."""

    def run(*arguments: str, stdin: str | None = None, **environment: str) -> Result:
        return CliRunner().invoke(cli, arguments, input=stdin, env={"SALLYPORT_DATA_DIR": str(data.root), **environment})

    return run
