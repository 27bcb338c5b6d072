"""The labelled set: templates and values of `data/`, put together by a seeded generator."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from bench.redaction.people import Cast
from bench.redaction.shapes import make

Part = Literal["tuned", "held"]
"""Rules are improved by looking at `tuned`; nobody looks into `held` but for its figures."""
DATA = Path(__file__).parent / "data"

_SLOT = re.compile(r"<<([A-Z]+)(\d*)((?:\.[a-z]+)*)>>")
_CASTINGS = 6
"""How often each template is filled, each time with other people."""
_PER_CONTEXT = 2
"""Values of each kind of secret in each context."""


class Label(NamedTuple):
    """`texts[text][start:end]` is sensitive."""

    text: int
    start: int
    end: int
    category: str
    kind: str
    """Of secrets: which of them."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The texts of one request."""

    name: str
    texts: list[str]
    labels: list[Label]


def personal(part: Part, seed: int = 1) -> Iterator[Sample]:
    """Prose, chats, records with people in them."""
    rng = random.Random(f"{part} {seed}")
    values = _toml(DATA / part / "values.toml")
    for form in ("prose", "chat", "records"):
        for number, template in enumerate(_templates(DATA / part / f"{form}.txt"), 1):
            for _ in range(_CASTINGS):
                yield _filled(f"{form} {number}", template, Cast(values, rng).value)


def secrets(part: Part, seed: int = 1) -> Iterator[Sample]:
    """Every kind of secret in each of its contexts."""
    rng = random.Random(f"{part} {seed}")
    general = list(_templates(DATA / part / "contexts.txt"))
    for kind in _toml(DATA / "secrets.toml")["kind"]:
        prefix = kind.get("prefix", "")
        for context in kind.get(part, general):
            for shape in kind["values"] * _PER_CONTEXT:
                yield _secret(kind["name"], context.replace("<<X", prefix + "<<X"), make(shape, rng))


def negatives(seed: int = 1) -> Iterator[Sample]:
    """What looks sensitive and is not: here labels say what must stay."""
    rng = random.Random(seed)
    for kind in _toml(DATA / "negatives.toml")["kind"]:
        for context in kind["contexts"]:
            for shape in kind["values"] * _PER_CONTEXT:
                yield _secret(kind["name"], context, make(shape, rng))


def _secret(kind: str, context: str, value: str) -> Sample:
    forms = {
        "": value,
        ".json": value.replace("\n", "\\n"),
        ".twice": value.replace("\n", "\\\\n"),
        ".indented": value.replace("\n", "\n  "),
    }

    def fill(slot: str, _number: str, form: str) -> tuple[str, str, str]:
        if slot == "NAME":
            return (kind.lower() if form == ".lower" else kind), "", ""
        return forms[form], "SECRET", kind

    return _filled(f"{kind}: {context}", context, fill)


def _filled(name: str, template: str, fill: Callable[[str, str, str], tuple[str, str, str]]) -> Sample:
    texts: list[str] = []
    labels: list[Label] = []
    for index, source in enumerate(template.split("\n----\n")):
        text, reached = "", 0
        for slot in _SLOT.finditer(source):
            text += source[reached : slot.start()]
            value, category, kind = fill(slot[1], slot[2], slot[3])
            if category:
                labels.append(Label(index, len(text), len(text) + len(value), category, kind))
            text += value
            reached = slot.end()
        texts.append(text + source[reached:])
    return Sample(name, texts, labels)


def _templates(path: Path) -> Iterator[str]:
    """Separated by lines of `====`; the texts of one request by lines of `----`."""
    return iter(path.read_text(encoding="utf-8").rstrip("\n").split("\n====\n"))


def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))
