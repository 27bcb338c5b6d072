import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.providers.usage import Usage
from sallyport.providers.wire.ollama import Ollama
from tests.sallyport.providers.wire.conftest import Metered

LINES = (
    {"model": "llama3.2", "message": {"role": "assistant", "content": "Hel"}, "done": False},
    {"model": "llama3.2", "message": {"role": "assistant", "content": "lo"}, "done": False},
    {
        "model": "llama3.2",
        "message": {"role": "assistant", "content": ""},
        "done": True,
        "prompt_eval_count": 26,
        "eval_count": 2,
    },
)
STREAM = b"".join(json.dumps(line).encode() + b"\n" for line in LINES)


@given(cuts=st.lists(st.integers(0, 5000), max_size=5))
def test_the_last_line_of_a_stream_has_the_counts(metered: Metered, cuts: list[int]):
    seen = metered(Ollama(), STREAM, "application/x-ndjson", cuts=cuts)
    assert (seen.client, seen.usage, seen.model, seen.complete, seen.chars) == (STREAM, Usage(26, 2), "llama3.2", True, 5)


def test_a_whole_answer_is_one_line_without_an_end(metered: Metered):
    seen = metered(Ollama(), json.dumps(LINES[-1] | {"response": "Hello"}).encode())
    assert (seen.usage, seen.complete, seen.chars) == (Usage(26, 2), True, 5)


def test_an_embedding_counts_its_input(metered: Metered):
    assert metered(Ollama(), b'{"embeddings":[[0.1]],"prompt_eval_count":8}').usage == Usage(8)


@pytest.mark.parametrize("answer", [b"", b"\n", b"[]", b"{", b"\xff\n", b'{"error":"x"}'])
def test_what_has_no_counts_has_no_usage(metered: Metered, answer: bytes):
    assert metered(Ollama(), answer).usage is None


def test_it_streams_unless_told_not_to():
    wire = Ollama()
    assert (wire.wants_stream({}), wire.wants_stream({"stream": False})) == (True, False)
    assert (wire.output_cap({"options": {"num_predict": 5}}), wire.output_cap({"options": {"num_predict": -1}})) == (5, None)
    assert wire.protects("images", {"images": ["AAAA"]})
