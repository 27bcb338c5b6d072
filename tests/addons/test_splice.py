from __future__ import annotations

import copy
import json
from typing import Any

import orjson
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from addons.plain_json import reads_alike
from addons.splice import spliced

STRINGS = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(["secret", 'a"b\\', "é\u2028", "\x00\n", "{[:,]}"])
VALUES = st.recursive(
    STRINGS | st.integers(-(2**53), 2**53) | st.booleans() | st.none() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(STRINGS, inner, max_size=4),
    max_leaves=20,
)
BODIES = st.dictionaries(STRINGS, VALUES, max_size=5)


def changed(value: Any, old: str, new: str) -> Any:
    """With every string `old`, keys too, replaced."""
    if isinstance(value, dict):
        return {(new if key == old else key): changed(item, old, new) for key, item in value.items()}
    if isinstance(value, list):
        return [changed(item, old, new) for item in value]
    return new if value == old else value


@settings(deadline=None)
@given(
    body=BODIES, style=st.sampled_from([(None, True), (2, True), (None, False)]), new=STRINGS, data=st.data(),
    asks=st.booleans(), before=st.sampled_from(["", " \n"]), after=st.sampled_from(["", "\r\n\t "]),
)  # fmt: skip
def test_what_was_not_changed_stays_as_it_was(
    body: dict[str, Any], style: tuple[int | None, bool], new: str, data: Any, asks: bool, before: str, after: str
):
    indent, ascii_only = style
    raw = (before + json.dumps(body, indent=indent, ensure_ascii=ascii_only) + after).encode()
    assume(reads_alike(raw, orjson.loads(raw)))
    old = data.draw(STRINGS)
    wanted = changed(copy.deepcopy(body), old, new)
    if asks:
        wanted["stream_options"] = {"include_usage": True}
    result = spliced(raw, wanted, strings=True)
    assert orjson.loads(result) == orjson.loads(orjson.dumps(wanted))
    if wanted == body | ({"stream_options": {"include_usage": True}} if asks else {}):
        end = raw.rindex(b"}")
        assert result.startswith(raw[:end])
        assert result.endswith(raw[end:])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            b'{"model":"m" , "n":1.50e2, "big":123456789012345678901, "s":[ {"t":"\\u00e9 key\\/"} ],"key":"\\u0041"}\n',
            b'{"model":"m" , "n":1.50e2, "big":123456789012345678901, "s":[ {"t":"\\u00e9 [X]/"} ],"key":"\\u0041"}\n',
        ),
        (b'{"a": "caf\xc3\xa9 key", "b": "\\/"}', b'{"a": "caf\xc3\xa9 [X]", "b": "\\/"}'),
        (b'{"a":["key","key"],"b":"k\\u0065y"}', b'{"a":["[X]","[X]"],"b":"[X]"}'),
    ],
)
def test_only_the_strings_that_changed_are_written_anew(before: bytes, after: bytes):
    body = orjson.loads(before)

    def redact(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: redact(item) for key, item in value.items()}
        if isinstance(value, list):
            return [redact(item) for item in value]
        return value.replace("key", "[X]") if isinstance(value, str) else value

    assert spliced(before, redact(body), strings=True) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'{ "stream": true }', b'{ "stream": true ,"stream_options":{"include_usage":true}}'),
        (b"{}", b'{"stream_options":{"include_usage":true}}'),
        (b'{"stream_options" : null, "a": 1}', b'{"stream_options" : {"include_usage":true}, "a": 1}'),
        (b'{"stream_options":{ "include_usage": false },"a": 1}', b'{"stream_options":{"include_usage":true},"a": 1}'),
    ],
)
def test_the_usage_is_asked_for_beside_what_stands_there(before: bytes, after: bytes):
    assert spliced(before, {**orjson.loads(before), "stream_options": {"include_usage": True}}, strings=False) == after


def test_options_that_stand_elsewhere_too_are_found_or_all_is_written_anew():
    before = b'{"messages":[{"content":"say \\"stream_options\\":null"}],"x":{"stream_options":null},"stream_options":null}'
    body = {**orjson.loads(before), "stream_options": {"include_usage": True}}
    assert orjson.loads(spliced(before, body, strings=False)) == body
