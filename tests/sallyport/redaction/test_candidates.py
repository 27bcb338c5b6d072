"""Of a text that is not about people, only sentences that may hold a name are read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.redaction.candidates import is_about_people, may_hold_name, sentences, words_of
from sallyport.redaction.prose import pieces


@pytest.mark.parametrize(
    "sentence",
    [
        "The report of Priya is late.",
        "Rose Field signs.",
        "Ask in Marrakesh.",
        "Priya is late.",
        "The US office",
        "Étienne signs it.",
    ],
)
def test_a_name_is_read(sentence: str) -> None:
    assert may_hold_name(sentence, words_of(sentence))


@pytest.mark.parametrize(
    "sentence",
    [
        "Use the tool when it is asked for.",
        "Returns a list.",
        "The JSON of SendMessage goes to Docker.",
        "When a file is read. When it is not.",
        "Write what you write.",
    ],
)
def test_no_name_is_not(sentence: str) -> None:
    assert not may_hold_name(sentence, words_of(sentence))


def test_what_is_about_people_is_read_whole() -> None:
    text = "Use the tool when it is asked for. My mother is american."
    assert is_about_people(text)
    assert [piece.content for piece in pieces(text)] == [text]


def test_a_description_is_read_where_it_may_hold_a_name() -> None:
    text = "Use the tool when it is asked for. The report of Priya is read with it. Returns a list of the reports."
    assert [piece.content for piece in pieces(text)] == ["The report of Priya is read with it. "]


@given(st.text(alphabet="Ab. !?\n", max_size=300))
def test_sentences_are_all_of_a_line(line: str) -> None:
    assert "".join(line[start:end] for start, end in sentences(line)) == line
