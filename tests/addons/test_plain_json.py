import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.plain_json import reads_alike

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(_VALUES, st.booleans(), st.sampled_from([None, 2]))
def test_whatever_a_serialiser_writes_reads_alike(document: object, escaped: bool, indent: int | None):
    data = json.dumps(document, ensure_ascii=escaped, indent=indent).encode()
    assert reads_alike(data, orjson.loads(data))


@pytest.mark.parametrize(
    "data",
    [
        b'{"model":"cheap","model":"dear"}',
        b'{"model":"cheap","\\u006dodel":"dear"}',
        b'{"a":[{"b" : 1,"c":{"d":"\\"x\\":1"},\n"b"\t:2}]}',
    ],
)
def test_a_key_that_stands_twice_does_not(data: bytes):
    assert not reads_alike(data, orjson.loads(data))
