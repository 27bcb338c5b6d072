"""Which operation each documented path is; `tests/e2e/test_surface.py` walks them through a gateway."""

import pytest

from sallyport.providers import PROVIDERS
from tests.surface import Entry, surface


def classified(entry: Entry) -> Entry:
    """As its provider has it."""
    operation = PROVIDERS[entry.provider].operation(entry.method, entry.path)
    if operation is None:
        return Entry(entry.provider, "unknown", None, entry.method, entry.path)
    kind = "generates" if operation.wire else "connects" if operation.socket else "bought" if operation.uncounted else "listed"
    return Entry(entry.provider, kind, operation.name, entry.method, entry.path)


@pytest.mark.parametrize("provider", ["anthropic", "baseten", "bedrock", "fireworks", "gemini", "openai", "vertex"])
def test_every_documented_path(provider: str):
    entries = [entry for entry in surface() if entry.provider == provider]
    assert [classified(entry) for entry in entries] == entries
