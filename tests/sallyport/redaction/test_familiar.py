"""Names that lists know, and what the words around a word make of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.redaction.ages import ages_of
from sallyport.redaction.beside import find_beside_prose
from sallyport.redaction.familiar import find_familiar, known_as
from sallyport.redaction.finding import Finding, united
from sallyport.redaction.scan import scan
from sallyport.redaction.truecase import truecased


def names(text: str) -> set[tuple[str, str]]:
    return {(text[name.finding.start : name.finding.end], name.finding.category) for name in find_familiar(text, 0, len(text))}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I met Oluwaseun Adeyemi there.", ("Oluwaseun Adeyemi", "PERSON")),
        ("Please send it to Lindqvist, Sven who signs.", ("Lindqvist, Sven", "PERSON")),
        ("Siobhan called twice.", ("Siobhan", "PERSON")),
        ("Hello Grace! How are you?", ("Grace", "PERSON")),
        ("My wife Thandolwethu is away.", ("Thandolwethu", "PERSON")),
        ("They moved to Nice, where she was born in Reading.", ("Reading", "LOCATION")),
        ("We flew to Newcastle upon Tyne.", ("Newcastle upon Tyne", "LOCATION")),
        ("The ferry crosses Lake Tanganyika.", ("Lake Tanganyika", "LOCATION")),
        ("Her German husband cooks.", ("German", "NRP")),
        ("Two Sri Lankan nurses work here.", ("Sri Lankan", "NRP")),
        ("a half-Korean family", ("Korean", "NRP")),
    ],
)
def test_a_name_is_known_by_lists_and_context(text: str, expected: tuple[str, str]) -> None:
    assert expected in names(text)


@pytest.mark.parametrize(
    "text",
    [
        "Mark the task as done. Will Docker start?",
        "The reading list is in English and French.",
        "Split the string, then Order By Name.",
        "He speaks German fluently.",
        "See Table One in Chapter Two.",
        "An XML-RPC client and Skip ENOENT errors",
    ],
)
def test_words_and_languages_are_no_names(text: str) -> None:
    assert names(text) == set()


@pytest.mark.parametrize(
    ("value", "category", "known"),
    [
        ("Giulia", "LOCATION", "PERSON"),
        ("Lutheran", "LOCATION", "NRP"),
        ("Isfahan", "NRP", "LOCATION"),
        ("Flatten Unions", "PERSON", None),
        ("Texan", "NRP", "NRP"),
    ],
)
def test_lists_know_better_than_the_model_what_a_name_is(value: str, category: str, known: str | None) -> None:
    assert known_as(value, category) == known


@pytest.mark.parametrize(
    ("text", "cased"),
    [
        (
            "CONTRACT BETWEEN PIOTR KOWALSKI AND US, SIGNED IN CAPE TOWN.",
            "contract between Piotr Kowalski and us, signed in Cape Town.",
        ),
        ("hey omar, is yuki in cape town?", "hey Omar, is Yuki in Cape Town?"),
        ("i'm german", "i'm German"),
        ("HTTP GET FAILED", "HTTP GET FAILED".lower().replace("http", "Http")),
        ("The usual case stays.", "The usual case stays."),
    ],
)
def test_careless_case_is_mended_and_nothing_moves(text: str, cased: str) -> None:
    assert truecased(text) == cased


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"assignee": "Oluwaseun Adeyemi"}', ("Oluwaseun Adeyemi", "PERSON")),
        ('{"shipCity": "Kraków", "n": 1}', ("Kraków", "LOCATION")),
        ("12 Elm Street, Dunedin", ("Dunedin", "LOCATION")),
        ("[10:04] Friederike: the build is red", ("Friederike", "PERSON")),
        ("offices:\n  - Lagos\n  - Kyoto\n", ("Kyoto", "LOCATION")),
        ("| 7 | Buddhist | 34 |", ("Buddhist", "NRP")),
        ("4711;Oluwaseun Adeyemi;Lagos;ok", ("Lagos", "LOCATION")),
    ],
)
def test_beside_prose_fields_and_full_names_tell(text: str, expected: tuple[str, str]) -> None:
    assert expected in {(text[found.start : found.end], found.category) for found in find_beside_prose(text, ())}


def test_a_number_right_after_a_person_is_their_age() -> None:
    text = "Oluwaseun, 41, and Yuki (9) came. Yuki is 9."
    people = [Finding(0, 9, "PERSON"), Finding(19, 23, "PERSON"), Finding(34, 38, "PERSON")]
    assert [text[found.start : found.end] for found in ages_of(text, people)] == ["41", "9", "9"]


def test_findings_that_overlap_become_one_of_the_first_kind() -> None:
    sure, read = [Finding(0, 10, "PERSON")], [Finding(4, 16, "LOCATION"), Finding(20, 24, "NRP")]
    assert united(sure, read) == [Finding(0, 16, "PERSON"), Finding(20, 24, "NRP")]


WORDS = st.sampled_from(
    ["Anna", "LAGOS", "in", "German", "is", "34,", "\n", "i'm", "São", "é", "\ud800", "12 Elm St,", "from:", "ß", "İ", " "]
)
TEXTS = st.one_of(st.text(alphabet=st.characters()), st.lists(WORDS).map(" ".join))


@given(TEXTS)
def test_no_text_breaks_a_finder_and_places_are_in_it(text: str) -> None:
    assert len(truecased(text)) == len(text)
    found = [name.finding for name in find_familiar(text, 0, len(text))]
    found += [*find_beside_prose(text, ()), *scan(text, pii=True, secrets=True)]
    for start, end, _ in found:
        assert 0 <= start < end <= len(text)
