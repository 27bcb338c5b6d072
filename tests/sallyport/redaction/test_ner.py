"""Names of people, places and peoples, found by the real model in a real NER process."""

import asyncio

import pytest

from sallyport.redaction.ner_client import NerClient


async def found(ner: NerClient, text: str) -> list[tuple[str, str]]:
    (findings,) = await ner.names([text], deadline=asyncio.get_running_loop().time() + 30)
    return [(finding.category, text[finding.start : finding.end]) for finding in findings]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Hello, my name is John Smith and I live in Berlin.", [("PERSON", "John Smith"), ("LOCATION", "Berlin")]),
        ("Contact: Maria Lopez", [("PERSON", "Maria Lopez")]),
        ("The patient, Robert O'Brien, is Catholic.", [("PERSON", "Robert O'Brien"), ("NRP", "Catholic")]),
        ("Barack Obama's wife was born in Chicago.", [("PERSON", "Barack Obama"), ("LOCATION", "Chicago")]),
        ("She is German and votes for the Republicans.", [("NRP", "German"), ("NRP", "Republicans")]),
        ("She met [SAFE_TO_USE:PERSON_abcdefgh] and Peter Parker in Rome.", [("PERSON", "Peter Parker"), ("LOCATION", "Rome")]),
    ],
)
async def test_names_in_prose(ner: NerClient, text: str, names: list[tuple[str, str]]) -> None:
    assert await found(ner, text) == names


@pytest.mark.parametrize(
    "text",
    [
        "Use Docker and React with the Kafka consumer, then run Jenkins and Pytest on Linux.",
        "You are Claude Code, the official CLI. Use Claude Code, Claude Desktop or Visual Studio.",
        "Claude, please read the SSLContext of README and the HTTPException of Django.",
        "class John(Base):\n    Smith = None\n\n    def Berlin(self):\n        return Paris(self)\n",
        "total 64\n-rw-r--r-- 1 root root 1 Jan 23 21:31 Jan\ndrwxr-xr-x 13 root root 4096 Nov 23 21:31 .\n",
        'import os\n\n\ndef main():\n    """Raises: an error.\n\n    Mark the task as done."""\n    x = f(1)\n    return g(x)\n',
    ],
)
async def test_no_names_elsewhere(ner: NerClient, text: str) -> None:
    assert await found(ner, text) == []


async def test_a_batch_keeps_its_order(ner: NerClient) -> None:
    texts = ["I met John Smith.", "no name", "I met Mary Jones."]
    results = await ner.names(texts, deadline=asyncio.get_running_loop().time() + 30)
    assert [[text[f.start : f.end] for f in row] for text, row in zip(texts, results, strict=True)] == [
        ["John Smith"],
        [],
        ["Mary Jones"],
    ]
