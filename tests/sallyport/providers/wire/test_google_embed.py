from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.providers.usage import Usage
from sallyport.providers.wire.google_embed import GoogleEmbed

PREDICT = b"""{"predictions": [{"embeddings": {"values": [0.1, 0.2], "statistics": {"truncated": false, "token_count": 4}}},
 {"embeddings": {"values": [0.3], "statistics": {"truncated": false, "token_count": 3}}}],
 "metadata": {"billableCharacterCount": 23}}"""
EMBED = b'{"embedding": {"values": [0.1]}, "usageMetadata": {"promptTokenCount": 9}}'
SILENT = b'{"embedding": {"values": [0.1]}}'


@pytest.mark.parametrize(("answer", "usage"), [(PREDICT, Usage(input_tokens=7)), (EMBED, Usage(input_tokens=9)), (SILENT, None)])
@given(cuts=st.lists(st.integers(0, 500)))
def test_json(metered: Callable[..., Any], answer: bytes, usage: Usage | None, cuts: list[int]):
    seen = metered(GoogleEmbed(), answer, cuts=cuts)
    assert (seen.client, seen.usage, seen.complete) == (answer, usage, True)
