"""One gateway and one stand-in for all agents; the agents are those that `install` found a Node for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sallyport.standin import StandIn
from tests.clients.agent import Agent
from tests.e2e.conftest import providers, standin
from tests.e2e.support import ROOT, Gateway

__all__ = ["providers", "standin"]


@pytest.fixture(scope="session")
def gateway(providers: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Agents talk to more than models: what isn't a provider's goes nowhere."""
    directory = tmp_path_factory.mktemp("gateway")
    with Gateway(directory, providers, "--ner-workers", "0", "--tunnel", "refuse") as gateway:
        yield gateway


@pytest.fixture
def claude(gateway: Gateway, tmp_path: Path) -> Agent:
    """Claude Code, in a home where it never ran."""
    return Agent(_program("claude", "Claude Code"), "claude", gateway, tmp_path)


@pytest.fixture(params=["proxy", "base_url"])
def way_in(request: pytest.FixtureRequest) -> str:
    return request.param


def _program(name: str, title: str) -> Path:
    clients = Path(os.environ.get("SALLYPORT_TEST_CLIENTS") or ROOT / ".cache" / "clients")
    program = clients / "node_modules" / ".bin" / name
    if not (program.exists() and (clients / "installed.json").exists()):
        pytest.skip(f"{title} is not in {clients}: `make test-clients` puts it there (needs Node 18 or newer, and npm)")
    return program.absolute()
