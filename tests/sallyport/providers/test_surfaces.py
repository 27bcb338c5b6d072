"""Which operation each documented path is; `tests/e2e/test_surface.py` walks them through a gateway."""

import pytest

from sallyport.providers import PROVIDERS
from tests.surface import Entry, surface


@pytest.mark.parametrize("entry", list(surface()), ids=str)
def test_every_documented_path(entry: Entry):
    operation = PROVIDERS[entry.provider].operation(entry.method, entry.path)
    assert (operation and operation.name) == entry.operation
    if operation:
        assert (operation.wire is not None) is (entry.kind == "generates")
        assert (operation.socket is not None) is (entry.kind == "connects")
        assert operation.uncounted is (entry.kind == "bought")
