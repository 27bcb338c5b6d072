"""The small network itself: one that could not be made leaves nothing on this machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e import namespaces
from tests.e2e.namespaces import Network, why_not


def test_half_a_network_goes_again(monkeypatch: pytest.MonkeyPatch):
    if reason := why_not():
        pytest.skip(reason)

    def fail(*_: object) -> None:
        raise AssertionError("no link")

    monkeypatch.setattr(namespaces, "_join", fail)
    with pytest.raises(AssertionError, match="no link"), Network():
        pass
    remains = [path for folder in ("/run/netns", "/etc/netns") for path in Path(folder).glob(f"sp{os.getpid()}-*")]
    assert not remains
