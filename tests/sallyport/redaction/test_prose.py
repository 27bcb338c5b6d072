"""Prose is read for names; code, logs and data are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.redaction.prose import is_prose, pieces
from sallyport.redaction.segments import segments


@pytest.mark.parametrize(
    "line",
    [
        "Hello, my name is John Smith and I live in Berlin.",
        "Contact: Maria Lopez",
        "Aisha Khan",
        "- Call Peter tomorrow",
        "I met Angela Merkel in Paris",
        "Ask Sarah about `config.yaml` and https://host.example/path?x=1, she wrote it.",
        "1. Robert O'Brien (New York)",
    ],
)
def test_prose(line: str) -> None:
    assert is_prose(line)


@pytest.mark.parametrize(
    "line",
    [
        "def greet(self): return John",
        "from typing import Any",
        "    if isinstance(value, Name) and not None in values:",
        "drwxr-xr-x 13 root root 4096 Jan 23 21:31 .",
        "ERROR 2024-01-01T10:00:00Z Worker-3 Foo failed [x=1]",
        '{"name": "John"}',
        "SELECT Name FROM Users WHERE City = 'Paris'",
        "+++ b/src/Main.java",
        "aGVsbG8gd29ybGQgaGVsbG8gd29ybGQgSm9obiBTbWl0aA==",
        "no capital letter stands in this one",
        "return self.Name",
    ],
)
def test_no_prose(line: str) -> None:
    assert not is_prose(line)


def test_fenced_code_is_left_out() -> None:
    text = "Please ask John Smith.\n```\nJohn Smith was here in the code.\n```\nThanks, Mary Jones.\n"
    assert [piece.content for piece in pieces(text)] == ["Please ask John Smith.\n", "Thanks, Mary Jones.\n"]


@given(
    st.lists(st.sampled_from(["Hello John Smith, this is for you. ", "\n", "\n\n", "x = f(y)\n", "```\n", "A" * 5_000])).map(
        "".join
    )
)
def test_pieces_stand_where_they_say_and_are_short(text: str) -> None:
    for piece in pieces(text):
        assert text[piece.start : piece.start + len(piece.content)] == piece.content
        assert len(piece.content) <= 3_500


@given(st.text(alphabet="ab \n.", max_size=50), st.integers(1, 900))
def test_segments_cover_the_text(unit: str, times: int) -> None:
    text = unit * times
    parts = list(segments(text))
    assert "".join(content for _, content in parts) == text
    assert all(text.startswith(content, start) and len(content) <= 12_000 for start, content in parts)


def test_a_text_that_grows_keeps_its_segments() -> None:
    text = "One line of some words.\n" * 2_000
    assert list(segments(text + "More.\n" * 999))[: len(list(segments(text))) - 1] == list(segments(text))[:-1]
