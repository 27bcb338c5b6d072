from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.providers.base import JsonObject
from sallyport.providers.usage import Usage
from sallyport.providers.wire.google_interactions import GoogleInteractions

USAGE = (
    b'"usage":{"total_input_tokens":100,"total_cached_tokens":40,"total_output_tokens":10,"total_thought_tokens":5,'
    b'"total_tool_use_tokens":20,"grounding_tool_count":[{"type":"google_search","count":2}]}'
)
INTERACTION = b'{"id":"i1","model":"gemini-3-pro","status":"completed","steps":[],' + USAGE + b"}"
STREAM = (
    b'event: step.delta\ndata: {"event_type":"step.delta","index":0,"delta":{"type":"text","text":"Hi"}}\n\n'
    b'event: interaction.completed\ndata: {"event_type":"interaction.completed","interaction":' + INTERACTION + b"}\n\n"
    b"event: done\ndata: [DONE]\n\n"
)
EXPECTED = Usage(120, 15, cache_read_tokens=40, reasoning_tokens=5, web_searches=2)


@given(cuts=st.lists(st.integers(0, 500)))
def test_json_and_stream(metered: Callable[..., Any], cuts: list[int]):
    for answer, content_type in ((INTERACTION, "application/json"), (STREAM, "text/event-stream")):
        seen = metered(GoogleInteractions(), answer, content_type, cuts=cuts)
        assert (seen.client, seen.usage, seen.complete) == (answer, EXPECTED, True)


@pytest.mark.parametrize(
    ("body", "counted"),
    [({"model": "m"}, True), ({"model": "m", "background": True}, False), ({"agent": "deep-research"}, False)],
)
def test_what_is_at_work_after_its_answer_can_not_be_counted(body: JsonObject, counted: bool):
    assert GoogleInteractions().counted(body) is counted
