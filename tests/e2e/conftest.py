"""One gateway and one stand-in for the whole session; processes that a test kills are its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from sallyport.standin import StandIn
from tests.e2e import sdks
from tests.e2e.support import Gateway, Team

_CLEAN = ("PROXY", "_CA_", "SSL_CERT", "CA_BUNDLE", "OPENAI", "ANTHROPIC", "GOOGLE", "GEMINI", "AWS_", "VERTEX", "LANGSMITH")


@pytest.fixture(scope="session")
def providers() -> Iterator[StandIn]:
    with StandIn() as standin:
        yield standin


@pytest.fixture(scope="session")
def gateway(providers: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Logs all it can, so that the search for canaries in the log means something."""
    with Gateway(tmp_path_factory.mktemp("gateway"), providers, "--log-level", "debug") as gateway:
        yield gateway


@pytest.fixture(scope="session")
def team(gateway: Gateway) -> Team:
    """Has every provider's secret and no policy."""
    return gateway.team("Ada")


@pytest.fixture
def standin(providers: StandIn) -> StandIn:
    """The providers, what they received so far forgotten."""
    providers.clear()
    return providers


@pytest.fixture(autouse=True)
def _no_inherited_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if any(part in name.upper() for part in _CLEAN):
            monkeypatch.delenv(name)


@pytest.fixture(params=["base_url", "proxy"])
def way_in(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def enter(gateway: Gateway, monkeypatch: pytest.MonkeyPatch, way_in: str) -> Callable[[str], None]:
    """Sets the environment of a client that comes in by `way_in` with a key."""

    def enter(key: str) -> None:
        if way_in == "proxy":
            variables = sdks.proxy(gateway.listen, key, gateway.bundle)
        else:
            variables = sdks.base_urls(gateway.listen, key, gateway.ca)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return enter
