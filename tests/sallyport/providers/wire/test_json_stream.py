import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sallyport.providers.wire.json_stream import JsonObjects

VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
OBJECT = st.dictionaries(st.text(max_size=5), VALUE, max_size=4)


def cut(document: bytes, cuts: list[int]) -> tuple[list[object], bool]:
    objects = JsonObjects()
    places = sorted({0, len(document), *(min(place, len(document)) for place in cuts)})
    found = [json.loads(raw) for start, end in pairwise(places) for raw in objects.feed(document[start:end])]
    return found, objects.closed


@given(st.lists(OBJECT, max_size=4), st.sampled_from([None, 2]), st.lists(st.integers(0, 500)))
def test_the_objects_of_an_array(entries: list[dict[str, object]], indent: int | None, cuts: list[int]):
    assert cut(json.dumps(entries, indent=indent, ensure_ascii=False).encode(), cuts) == (entries, True)


@given(OBJECT, st.lists(st.integers(0, 500)))
def test_a_lone_object(entry: dict[str, object], cuts: list[int]):
    assert cut(json.dumps(entry).encode() + b"\n", cuts) == ([entry], True)


def test_an_array_that_goes_on_is_not_closed():
    assert cut(b'[{"a": 1}\n,\r\n{"b": "]}', []) == ([{"a": 1}], False)


def test_an_object_past_the_limit_ends_the_reading():
    objects = JsonObjects(limit=10)
    assert objects.feed(b'[{"a":1},{"b":"0123456789') == [b'{"a":1}']
    assert objects.overflowed
    assert objects.feed(b'"}]') == []


@given(st.binary(max_size=50), st.lists(st.integers(0, 50)))
def test_noise_never_breaks_it(noise: bytes, cuts: list[int]):
    objects = JsonObjects()
    places = sorted({0, len(noise), *(min(place, len(noise)) for place in cuts)})
    for start, end in pairwise(places):
        objects.feed(noise[start:end])
