"""Phone numbers, SSNs, ages and e-mail addresses are found; ids of the same shape are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.redaction.detector import Haystack
from sallyport.redaction.pii import find_pii


def found(text: str) -> list[tuple[str, str]]:
    return [(finding.category, text[finding.start : finding.end]) for finding in find_pii(Haystack(text))]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Call (415) 555-2671 now", "(415) 555-2671"),
        ("Call 415-555-2671.", "415-555-2671"),
        ("415.555.2671 is mine", "415.555.2671"),
        ("+1 415 555 2671", "+1 415 555 2671"),
        ("+1-415-555-2671", "+1-415-555-2671"),
        ("1-800-555-0199 is toll-free", "1-800-555-0199"),
        ("Reach me at +14155552671", "+14155552671"),
        ("my phone number is 4155552671", "4155552671"),
        ("cell: 415 555 2671", "415 555 2671"),
        ("(555) 123-4567", "(555) 123-4567"),
        ("555-123-4567 ext. 12", "555-123-4567 ext. 12"),
        ('{"phone": "415-555-2671"}', "415-555-2671"),
        ("text\\n415-555-2671\\nmore", "415-555-2671"),
        ("<tel:+1-415-555-2671>", "+1-415-555-2671"),
        ("call 555-1234 today", "555-1234"),
    ],
)
def test_phone_number(text: str, value: str) -> None:
    assert found(text) == [("US_PHONE_NUMBER", value)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("My SSN is 123-45-6789.", "123-45-6789"),
        ("123-45-6789", "123-45-6789"),
        ("ssn: 123456789", "123456789"),
        ("social security number 123 45 6789", "123 45 6789"),
        ('{"ssn":"123-45-6789"}', "123-45-6789"),
        ("x\\n123-45-6789\\n", "123-45-6789"),
    ],
)
def test_ssn(text: str, value: str) -> None:
    assert found(text) == [("US_SSN", value)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("She is 34 years old", "34"),
        ("a 34-year-old man", "34"),
        ("a thirty-four-year-old", "thirty-four"),
        ("aged 34", "34"),
        ("Age: 34", "34"),
        ('{"age": 34}', "34"),
        ("at the age of 34", "34"),
        ("I'm 34.", "34"),
        ("He is 34 and lives here", "34"),
        ("she turned 34 last week", "34"),
        ("34 y/o male", "34"),
        ("34yo female", "34"),
        ("Maria Lopez, 34, lives in Leeds", "34"),
        ("She's 34.", "34"),
        ("34 years of age", "34"),
        ("the baby is 8 months old", "8"),
        ("my wife (34F) and I", "34"),
        ("Étienne Lefèvre (34) lives here", "34"),
        ("Femke van der Berg, 34, found it", "34"),
    ],
)
def test_age(text: str, value: str) -> None:
    assert found(text) == [("AGE", value)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("write to jane.doe+x@example.co.uk.", "jane.doe+x@example.co.uk"),
        ("<a@b.io>", "a@b.io"),
        ("first\\njane@example.com\\n", "jane@example.com"),
        ("mailto:jane@example.com?subject=x", "jane@example.com"),
    ],
)
def test_email(text: str, value: str) -> None:
    assert found(text) == [("EMAIL", value)]


@pytest.mark.parametrize(
    ("text", "category", "value"),
    [
        ("customer_name: Aisha Khan", "PERSON", "Aisha Khan"),
        ('"firstName": "Zoë", "x": 1', "PERSON", "Zoë"),
        ("last_name = 'O’Neill'", "PERSON", "O’Neill"),
        ("see Dr. Emily R. Watson.", "PERSON", "Emily R. Watson"),
        ("ask Mrs Okonkwo!", "PERSON", "Okonkwo"),
        ('{"city": "New Orleans"}', "LOCATION", "New Orleans"),
        ("Nationality: Dutch", "NRP", "Dutch"),
    ],
)
def test_announced_name(text: str, category: str, value: str) -> None:
    assert found(text) == [(category, value)]


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "Run Tests", "file_name": "Main", "class_name": "Foo"}',
        "first_name = Model.field(Name)",
        "first_name: String, city = City(1), country: Optional[str], capacity: High",
        "order id 415-555-2671",
        "part number 123-45-6789",
        "SKU: 123-45-6789",
        "epoch 1700000000 and 1700000000123",
        "550e8400-e29b-41d4-a716-446655440000",
        "10.0.0.1 192.168.100.100 2001:db8::1 1.2.3.4567",
        "2024-01-15 2024-01-15T10:00:00.000-0700",
        "rev 415.555.26711 and v415.555.2671.1",
        "000-12-3456 666-12-3456 900-12-3456 123-00-4567 123-45-0000",
        "4111-1111-1111-1111",
        "978-3-16-148410-0",
        "120 340 5600 120 340 5600",
        "Cache-Control: max-age=34",
        "Age: 3600",
        "Cobalt (27) is a metal",
        "page\n34 and age\n34",
        "page 34 of message 34, stage 3",
        "timeout age 30 seconds",
        "He is 100% sure; it is 34 degrees",
        "I am 2.5 times faster",
        "git@github.com:org/repo.git",
        "@app.route and user@host and a@b.c1",
        "x = foo@bar.baz(1)",
        "noreply@example.com",
        "0.415-555-2671e",
        "sha1-4155552671abcdef",
    ],
)
def test_what_only_looks_personal_stays(text: str) -> None:
    assert found(text) == []


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    find_pii(Haystack(text))


@given(st.text(alphabet="0123456789-. ()+ssnphoneage@.co\\n\n", max_size=200))
def test_no_number_breaks_it(text: str) -> None:
    find_pii(Haystack(text))


@given(st.text(alphabet="İıAB1é\ud800\U0001f600 age34 years old", max_size=100))
def test_offsets_hold_in_any_script(text: str) -> None:
    text = text + " She is 34 years old"
    assert ("AGE", "34") in found(text)
