from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sallyport.providers.usage import Usage
from sallyport.providers.wire.openai_embeddings import OpenAIEmbeddings

JSON = b"""{"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.0023064255, -0.009327292]}],
 "model": "text-embedding-3-small", "usage": {"prompt_tokens": 8, "total_tokens": 8}}"""


@given(cuts=st.lists(st.integers(0, 500)))
def test_json(metered: Callable[..., Any], cuts: list[int]):
    seen = metered(OpenAIEmbeddings(), JSON, cuts=cuts)
    assert (seen.client, seen.usage, seen.complete) == (JSON, Usage(input_tokens=8), True)
    assert seen.model == "text-embedding-3-small"


def test_no_output_is_ever_reserved():
    assert OpenAIEmbeddings().output_cap({"max_tokens": 5}) == 0
