"""Documents keep their structure, their protected values and their bytes; only sensitive strings change."""

import asyncio
import base64
import copy
import json
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sallyport.redaction.document import DocumentResult, redact_document
from sallyport.redaction.placeholders import Placeholders
from sallyport.redaction.redactor import Redactor
from tests.sallyport.redaction.samples import TOKENS, private_key, some

SECRET = TOKENS["anthropic"][1]()
PROTECTED = frozenset({"model", "id", "role", "type", "signature", "data", "name"})
USER_DATA = frozenset({"input", "arguments", "args", "response"})


async def redact(document: Any, redactor: Redactor | None = None, *, pii: bool = True) -> DocumentResult:
    return await redact_document(
        document,
        redactor or Redactor(None),
        names=Placeholders(b"k" * 32),
        protects=lambda key, _parent: key in PROTECTED,
        user_data=USER_DATA,
        pii=pii,
        secrets=True,
        deadline=asyncio.get_running_loop().time() + 30,
    )


async def test_what_was_found_where_is_told_without_the_values() -> None:
    arguments = json.dumps({"token": SECRET, "again": [SECRET]})
    result = await redact({"messages": [{"content": f"{SECRET} of a@example.com"}, {"arguments": arguments}], SECRET: SECRET})
    assert [(place.where, place.category, place.count) for place in result.places] == [
        ("/messages/0/content", "ANTHROPIC_API_KEY", 1),
        ("/messages/0/content", "EMAIL", 1),
        ("/messages/1/arguments", "ANTHROPIC_API_KEY", 2),
        ("/*", "ANTHROPIC_API_KEY", 1),
        ("/*", "ANTHROPIC_API_KEY", 1),
    ]
    assert sum(place.count for place in result.places) == sum(result.counts.values())


async def test_strings_are_redacted_and_protected_ones_are_not() -> None:
    document: dict[str, Any] = {
        "model": SECRET,
        "messages": [{"role": "user", "content": [{"type": "text", "text": f"use {SECRET}"}, {"type": "image", "data": SECRET}]}],
        "new_field_of_tomorrow": {"deep": [[SECRET]]},
        "temperature": 0.5,
        "stream": True,
        "stop": None,
    }
    result = await redact(document, pii=False)
    assert result.changed
    assert result.counts == {"ANTHROPIC_API_KEY": 2}
    assert document["model"] == SECRET
    assert document["messages"][0]["content"][1]["data"] == SECRET
    assert SECRET not in document["messages"][0]["content"][0]["text"]
    assert SECRET not in document["new_field_of_tomorrow"]["deep"][0][0]
    assert (document["temperature"], document["stream"], document["stop"]) == (0.5, True, None)


async def test_nothing_found_nothing_changed() -> None:
    document = {"messages": [{"content": "hello"}, {"content": '{"a": 1}'}]}
    before = copy.deepcopy(document)
    result = await redact(document)
    assert not result.changed
    assert document == before


async def test_tool_arguments_keep_every_other_byte() -> None:
    arguments = f'{{ "n" : 1.0,\t"e": 1e5, "text":"caf\\u00e9 {SECRET} \\n", "path" : "/a\\/b", "list":[ true,null ] , "n": 2 }}'
    document = {"arguments": arguments}
    assert (await redact(document)).changed
    before, after = arguments.split(SECRET)
    assert document["arguments"].startswith(before)
    assert document["arguments"].endswith(after)
    assert SECRET not in document["arguments"]
    json.loads(document["arguments"])


async def test_what_data_is_filed_under_is_data_too() -> None:
    document: dict[str, Any] = {"input": {"first_name": 1, "ada@example.com": {SECRET: ["x"]}, "last": 2}, "ada@example.com": 0}
    result = await redact(document)
    assert result.changed
    assert SECRET not in json.dumps(document)
    assert "ada@example.com" not in json.dumps(document)
    first, address, last = document["input"]
    assert (first, last) == ("first_name", "last")
    assert address.startswith("[SAFE_TO_USE:EMAIL_")
    assert list(document["input"][address].values()) == [["x"]]


@pytest.mark.parametrize("head", ["", "data:text/plain;base64,"])
async def test_a_text_file_in_base64_is_a_text(head: str) -> None:
    def encode(text: str) -> str:
        return head + base64.b64encode(text.encode()).decode()

    text = f"# deploy\nexport KEY={SECRET}  # naïve\n"
    document = {"data": encode(text)}
    assert (await redact(document, pii=False)).changed
    clean = base64.b64decode(document["data"].removeprefix(head)).decode()
    before, after = text.split(SECRET)
    assert clean.startswith(before + "[SAFE_TO_USE:ANTHROPIC_API_KEY_")
    assert clean.endswith(after)
    harmless = {"data": encode("nothing in here, line after line after line after line")}
    assert not (await redact(copy.deepcopy(harmless), pii=False)).changed


@pytest.mark.parametrize("start", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"RIFF\x00\x00\x00\x00WAVE", b"%PDF-1.7\n"])
async def test_media_stay_as_they_are(start: bytes) -> None:
    document = {"data": base64.b64encode(start + SECRET.encode() * 9).decode()}
    assert not (await redact(document, pii=False)).changed


async def test_json_in_json_in_json() -> None:
    inner = json.dumps({"key": private_key(), "x": [SECRET]})
    document = {"arguments": json.dumps({"body": json.dumps({"inner": inner})})}
    await redact(document)
    clean = json.loads(json.loads(json.loads(document["arguments"])["body"])["inner"])
    assert clean["key"].startswith("[SAFE_TO_USE:PRIVATE_KEY_")
    assert clean["x"][0].startswith("[SAFE_TO_USE:ANTHROPIC_API_KEY_")


async def test_the_name_of_a_field_tells_what_its_value_is() -> None:
    password, key = some("abcdefgABCDEFG123456789", 14), some("0123456789abcdef", 32)
    document: dict[str, Any] = {
        "input": {
            "password": password,
            "id": SECRET,
            "env": [{"name": "DD_API_KEY", "value": key}],
            "phone": "4155552671",
            "age": "34",
        },
        "arguments": json.dumps({"password": password, "phone": "4155552671"}),
    }
    await redact(document)
    text = json.dumps(document)
    for value in (password, key, SECRET, "4155552671", '"34"'):
        assert value not in text
    assert document["input"]["password"].startswith("[SAFE_TO_USE:PASSWORD_")


async def test_names_in_tool_results_are_found(redactor: Redactor) -> None:
    document = {
        "messages": [{"role": "user", "content": "My name is Maria Lopez."}, {"content": json.dumps({"customer": "Maria Lopez"})}]
    }
    result = await redact(document, redactor)
    assert result.counts == {"PERSON": 2}
    assert "Maria" not in json.dumps(document)


async def test_deep_nesting_is_no_problem() -> None:
    document: Any = SECRET
    for level in range(10_000):
        document = {"a": document} if level % 2 else [document]
    assert (await redact(document)).changed
    while not isinstance(document, str):
        document = cast("Any", document["a"] if isinstance(document, dict) else document[0])
    assert document.startswith("[SAFE_TO_USE:")


async def test_deeply_nested_json_strings_are_still_clean() -> None:
    text = "[" * 5_000 + f'"{SECRET}"' + "]" * 5_000
    document = {"arguments": text}
    await redact(document)
    assert SECRET not in document["arguments"]


async def test_broken_json_strings_are_text() -> None:
    document = {"arguments": f'{{"key": "{SECRET}", ', "other": f'{{"lone": "\\ud800 {SECRET}"}}'}
    await redact(document)
    assert SECRET not in json.dumps(document)


async def test_binary_strings_stay() -> None:
    image = "data:image/png;base64," + some("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/", 20_000)
    document = {"image_url": {"url": image}}
    result = await redact(document)
    assert document["image_url"]["url"] == image
    assert not result.failed


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=12,
)


def shape(value: Any) -> Any:
    """The same with every leaf replaced by its type."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in cast("dict[str, Any]", value).items()}
    return [shape(item) for item in cast("list[Any]", value)] if isinstance(value, list) else type(value).__name__


@settings(deadline=None, max_examples=80)
@given(st.dictionaries(st.text(max_size=8), JSON, max_size=4), st.booleans())
def test_structure_stays(document: dict[str, Any], embedded: bool) -> None:
    wrapped: dict[str, Any] = {"content": json.dumps(document) if embedded else document, "secret": SECRET}
    before = copy.deepcopy(wrapped)
    asyncio.run(redact(wrapped, pii=False))
    assert SECRET not in json.dumps(wrapped)
    assert shape(wrapped) == shape(before)
    if embedded:
        assert shape(json.loads(wrapped["content"])) == shape(document)
