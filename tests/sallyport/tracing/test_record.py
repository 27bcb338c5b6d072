from __future__ import annotations

import contextlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.tracing.record import CallRecord, Fired, PolicyRef


def test_a_record_reads_back_as_it_was_written() -> None:
    record = CallRecord(
        id="1",
        started_at=0.1,
        matched=[PolicyRef("p", "cap")],
        violated=[PolicyRef("p", "cap")],
        fired=[Fired("p", "cap", "spend_cap", "blocked", "")],
        redactions={"EMAIL": 1},
        inputs={"messages": [1]},
    )
    assert CallRecord.from_json(record.to_json()) == record


def test_what_a_newer_version_added_is_ignored() -> None:
    assert CallRecord.from_json(b'{"id": "1", "started_at": 1.0, "colour": "red"}') == CallRecord(id="1", started_at=1.0)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"null", b"{}", b'{"id":"1","started_at":0,"fired":[1]}', b'{"id":"1","started_at":0,"matched":5}']
)
def test_what_is_no_record_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - orjson's own and ours
        CallRecord.from_json(data)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(value=_JSON, name=st.sampled_from([*CallRecord.__dataclass_fields__]))
def test_no_json_raises_anything_else(value: Any, name: str) -> None:
    with contextlib.suppress(ValueError):
        CallRecord.from_json(orjson.dumps({"id": "1", "started_at": 0, name: value}))
