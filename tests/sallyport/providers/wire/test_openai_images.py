from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sallyport.providers.usage import Usage
from sallyport.providers.wire.openai_images import OpenAIImages

USAGE = (
    b'"usage": {"total_tokens": 100, "input_tokens": 50, "output_tokens": 50, "input_tokens_details":'
    b' {"text_tokens": 10, "image_tokens": 40}}'
)
JSON = b'{"created": 1713833628, "data": [{"b64_json": "iVBORw0KGgo="}], ' + USAGE + b"}"
STREAM = (
    b'event: image_generation.partial_image\ndata: {"type":"image_generation.partial_image","b64_json":"iVBO"}\n\n'
    b'event: image_generation.completed\ndata: {"type":"image_generation.completed","b64_json":"iVBO",' + USAGE + b"}\n\n"
)
EXPECTED = Usage(input_tokens=50, output_tokens=50, input_image_tokens=40, output_image_tokens=50)


@given(cuts=st.lists(st.integers(0, 500)))
def test_json_and_stream(metered: Callable[..., Any], cuts: list[int]):
    for answer, content_type in ((JSON, "application/json"), (STREAM, "text/event-stream")):
        seen = metered(OpenAIImages(), answer, content_type, cuts=cuts)
        assert (seen.client, seen.usage, seen.complete) == (answer, EXPECTED, True)


def test_a_model_that_names_no_tokens(metered: Callable[..., Any]):
    seen = metered(OpenAIImages(), b'{"created": 1, "data": [{"url": "https://x"}]}')
    assert (seen.usage, seen.complete) == (None, True)
