"""One gateway and one stand-in for all clients. A client that `install` could not get is skipped, with its reason."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

from sallyport.standin import StandIn
from tests.clients.bench import Bench, bench
from tests.clients.programs import Missing
from tests.e2e.conftest import providers, standin

__all__ = ["providers", "standin"]


@pytest.fixture(scope="session")
def clients(providers: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("gateway"), providers) as clients:
        yield clients


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """What can't be had on this machine is skipped."""
    try:
        return (yield)
    except Missing as missing:
        pytest.skip(str(missing))
