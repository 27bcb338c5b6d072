"""People in records, forms and tables are found by what the field or column is called; things called something are not."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.redaction.detector import Haystack
from sallyport.redaction.pii import find_pii


def found(text: str) -> list[tuple[str, str]]:
    return [(finding.category, text[finding.start : finding.end]) for finding in find_pii(Haystack(text))]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('{"name": "Ana Lima", "age": 41}', [("PERSON", "Ana Lima"), ("AGE", "41")]),
        ('{"members": [{"name": "Ana Lima"}]}', [("PERSON", "Ana Lima")]),
        ("name: Ana Lima\ntown: Faro\n", [("PERSON", "Ana Lima"), ("LOCATION", "Faro")]),
        ("Author: Ana Lima <x>", [("PERSON", "Ana Lima")]),
        ("-  owner: Ana de Lima", [("PERSON", "Ana de Lima")]),
        ("Signed-off-by: Ana Lima", [("PERSON", "Ana Lima")]),
        ("<firstName>Ana</firstName><city>Faro</city>", [("PERSON", "Ana"), ("LOCATION", "Faro")]),
        ("manager_name = 'Ana Lima'", [("PERSON", "Ana Lima")]),
        ('"shippingCity": "Faro"', [("LOCATION", "Faro")]),
    ],
)
def test_fields(text: str, values: list[tuple[str, str]]) -> None:
    assert found(text) == values


@pytest.mark.parametrize(
    "table",
    [
        "id,name,city,age\n1,Ana Lima,Faro,41\n2,Bo Ek,Lund,52\n",
        "id;name;city;age\r\n1;Ana Lima;Faro;41\r\n2;Bo Ek;Lund;52",
        "name\tcity\tage\nAna Lima\tFaro\t41\nBo Ek\tLund\t52",
        "| Name | City | Age |\n|---|:-:|---|\n| Ana Lima | Faro | 41 |\n| Bo Ek | Lund | 52 |\n\nText",
        " id | full_name | city | age\n----+----+---+---\n  1 | Ana Lima | Faro | 41\n 2 | Bo Ek | Lund | 52\n(2 rows)",
        "INSERT INTO people (id, name, city, age) VALUES (1, 'Ana Lima', 'Faro', 41), (2, 'Bo Ek', 'Lund', 52);",
    ],
)
def test_columns(table: str) -> None:
    assert found(table) == [
        ("PERSON", "Ana Lima"),
        ("LOCATION", "Faro"),
        ("AGE", "41"),
        ("PERSON", "Bo Ek"),
        ("LOCATION", "Lund"),
        ("AGE", "52"),
    ]


def test_a_name_with_an_apostrophe_in_sql() -> None:
    assert found("INSERT INTO people (name, city) VALUES ('Ana O'Neil', 'New York');") == [
        ("PERSON", "Ana O'Neil"),
        ("LOCATION", "New York"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "jobs:\n  - name: Run Tests\n    uses: x\n  - name: Upload Coverage\n",
        '{"name": "Visual Studio", "version": 2}',
        "owner: Platform Team\nauthor: Acme Inc",
        "owner: Base\nreviewer = Reviewer()",
        "| Name | Default |\n|---|---|\n| Max Retries | Three |\n",
        "name, version\nGreat Tool, 3\n",
        "def f(name, city, age):\n    return First, Second, Third\n",
    ],
)
def test_things_with_names(text: str) -> None:
    assert found(text) == []


@given(st.text(alphabet="name,city|\t;\n'()AbcÉ 1-:\"", max_size=200))
def test_no_table_breaks_it(text: str) -> None:
    for table in (text, f"name,city\n{text}", "INSERT INTO t (name, city) VALUES " + text):  # noqa: S608
        for start, end, _ in find_pii(Haystack(table)):
            assert 0 <= start < end <= len(table)


@pytest.mark.parametrize("unit", ["('a'", "'", "a'", "(", "name, city\n", "'a', "])
def test_no_row_stalls_it(unit: str) -> None:
    began = time.process_time()
    find_pii(Haystack("INSERT INTO t (name, city) VALUES (" + unit * (40_000 // len(unit))))
    assert time.process_time() - began < 1
