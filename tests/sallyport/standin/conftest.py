"""One stand-in for the tests of this directory, emptied before each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sallyport.standin import StandIn


@pytest.fixture(scope="session")
def running_standin() -> Iterator[StandIn]:
    with StandIn() as standin:
        yield standin


@pytest.fixture
def standin(running_standin: StandIn) -> StandIn:
    running_standin.clear()
    return running_standin
