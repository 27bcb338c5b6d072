"""What was taken out of a document comes back as it stood there."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sallyport.redaction import placeholders
from sallyport.redaction.document import redact_document
from sallyport.redaction.placeholders import Placeholders
from sallyport.redaction.redactor import Redactor
from sallyport.redaction.restore import Restorer
from tests.sallyport.redaction.samples import TOKENS, private_key

KEY = b"k" * 32
TOKEN, PEM = TOKENS["github classic"][1](), private_key()


def redacted(document: Any, restores: bool = True) -> tuple[Any, Restorer]:
    """`document` as a model reads it, and what puts it right again."""
    names = Placeholders(KEY, lambda _: restores)

    async def redact() -> None:
        deadline = asyncio.get_running_loop().time() + 30
        await redact_document(
            document,
            Redactor(None),
            names=names,
            protects=lambda _key, _parent: False,
            user_data=frozenset({"arguments"}),
            pii=True,
            secrets=True,
            deadline=deadline,
        )

    asyncio.run(redact())
    return document, Restorer(names.values)


@pytest.mark.parametrize(
    "text",
    [
        f"GITHUB_TOKEN={TOKEN}\n",
        f"key:\n{PEM}",
        json.dumps({"private_key": PEM, "token": TOKEN}, indent=2),
        json.dumps({"nested": json.dumps({"private_key": PEM})}),
        f'     1\t{{"private_key": {json.dumps(PEM)}',
        "call (415) 555-2671 or 415-555-2671 or 415.555.2671, write to A.Lovelace@Example.com or a.lovelace@example.com",
    ],
)
def test_a_model_that_repeats_what_it_read_gives_back_what_stood_there(text: str):
    document, restorer = redacted({"content": text})
    assert document["content"] != text
    assert restorer.whole(document["content"]) == text
    written = json.dumps({"content": document["content"]})  # into a tool's arguments
    assert json.loads(restorer.whole(written, escaped=True)) == {"content": text}


def test_a_tools_arguments_are_read_by_their_fields():
    arguments = json.dumps({"path": ".env", "content": PEM})
    document, restorer = redacted({"arguments": arguments})
    seen = json.loads(document["arguments"])["content"]
    assert restorer.whole(seen) == PEM
    assert restorer.whole(document["arguments"], escaped=True) == arguments


def test_spellings_share_a_placeholder_only_where_nothing_is_restored():
    text = "write to Ada@Example.com or ada@example.com"
    for restores, different in ((True, 2), (False, 1)):
        document, restorer = redacted({"content": text}, restores)
        assert len(set(placeholders.PATTERN.findall(document["content"]))) == 1  # the category
        assert len({document["content"][start:end] for start, end in placeholders.spans(document["content"])}) == different
        assert bool(restorer) == restores


def test_two_values_never_share_a_placeholder(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(placeholders, "_ALPHABET", "01")  # 256 placeholders
    names = [Placeholders(KEY, lambda _: True) for _ in range(2)]
    values = [f"value {number}" for number in range(200)]
    given_names = [[one.name("SECRET", value) for value in values] for one in names]
    assert len(set(given_names[0])) == len(values)
    assert given_names[0] == given_names[1]
    assert [names[0].values[name] for name in given_names[0]] == values


def test_what_somebody_else_sent_is_unknown():
    other = Placeholders(b"other workspace").name("SECRET", TOKEN)
    _, restorer = redacted({"content": TOKEN})
    assert restorer.whole(f"{other} [SAFE_TO_USE:NONE_00000000]") == f"{other} [SAFE_TO_USE:NONE_00000000]"


def test_a_connection_forgets_what_was_said_first(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sallyport.redaction.restore._MOST_VALUES", 2)
    names = Placeholders(KEY, lambda _: True)
    marks = [names.name("SECRET", value) for value in ("first", "second", "third")]
    restorer = Restorer()
    for mark in marks:
        restorer.learn({mark: names.values[mark]})
    assert restorer.whole(" ".join(marks)) == f"{marks[0]} second third"
    assert restorer.piece(marks[0][:-1]) == (marks[0][:-1], "")


_texts = st.lists(
    st.one_of(
        st.text(max_size=20).filter(lambda text: "[SAFE" not in text),
        st.sampled_from(sorted(TOKENS)).map(lambda k: TOKENS[k][1]()),
    ),
    max_size=5,
).map(" ".join)
_documents = st.recursive(
    st.one_of(_texts, st.integers(), st.none(), _texts.map(lambda text: json.dumps({"k": text, "l": [text]}))),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)),
    max_leaves=6,
)


@settings(deadline=None, max_examples=80)
@given(_documents)
def test_restoring_undoes_redacting_and_the_structure_stays(document: Any):
    document = {"content": document}
    before = json.loads(json.dumps(document))
    after, restorer = redacted(document)

    def restored(seen: Any) -> Any:
        if isinstance(seen, str):
            return restorer.whole(seen)
        if isinstance(seen, list):
            return [restored(entry) for entry in seen]  # pyright: ignore[reportUnknownVariableType]
        return {key: restored(value) for key, value in seen.items()} if isinstance(seen, dict) else seen  # pyright: ignore[reportUnknownVariableType]

    assert restored(after) == before
