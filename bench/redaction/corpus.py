"""Text that holds nothing of people, read from this machine: source code, data files, technical prose."""

from __future__ import annotations

import random
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from pydoc_data.topics import topics

from bench.redaction.samples import Part

_ROOT = Path(__file__).parents[2]
_LONGEST = 60_000
"""Characters taken of one file."""
_DATA_SUFFIXES = ("*.js", "*.json", "*.map", "*.css", "*.toml", "*.svg", "*.csv")
_CREDIT = re.compile(
    r"author|copyright|©|contribut|(?:written|fixed|modified|created|maintained|suggested|reported|invented) by|thank|credit|"
    r"courtesy|adapted from|licen[cs]e|maintain|@|\bfrom [A-Z]|RFC \d|hacked",
    re.IGNORECASE,
)


def is_credit(text: str, start: int) -> bool:
    """A line or the one before it gives credit to people: who is found there is no false hit."""
    line = text.rfind("\n", 0, start)
    before = text.rfind("\n", 0, max(line, 0))
    end = text.find("\n", start)
    return _CREDIT.search(text, before + 1, end if end >= 0 else len(text)) is not None


def code(part: Part, characters: int) -> list[str]:
    """Python source: the standard library's for tuning, installed packages' to hold out."""
    paths = sysconfig.get_paths()
    root = Path(paths["stdlib"] if part == "tuned" else paths["purelib"])
    skipped = {"site-packages", "test", "tests", "idlelib", "pydoc_data", "encodings"}
    files = [file for file in root.rglob("*.py") if not skipped & set(file.relative_to(root).parts)]
    return list(_sample(files, characters))


def data(characters: int) -> list[str]:
    """Minified code, JSON, source maps, lock files."""
    packages = Path(sysconfig.get_paths()["purelib"])
    locks = [*(_ROOT / "requirements").glob("*.lock"), *(_ROOT / "tests").rglob("package-lock.json")]
    found = [file for suffix in _DATA_SUFFIXES for file in packages.rglob(suffix) if file.stat().st_size > 500]
    return [*(file.read_text(encoding="utf-8")[:_LONGEST] for file in locks), *_sample(found, characters)]


def technical_prose(characters: int) -> list[str]:
    """The language reference."""
    texts: list[str] = []
    for name in sorted(topics):
        texts.append(topics[name])
        characters -= len(topics[name])
        if characters <= 0:
            break
    return texts


def hostile(characters: int) -> list[str]:
    """What made finders slow: starts of tokens without an end, digits, quotes, cuts, base64."""
    units = (
        *(
            "eyJ-",
            "sk-ant-",
            'hf_"+"',
            "hf_\n",
            "glpat-%2F",
            "secret=",
            "dd_key ",
            "aws secret ",
            "SG.",
            "password='",
            "c2VjcmV0",
        ),
        *("-----BEGIN ", "12-12-12-", "555-", '"', "a@b.", "name: A ", "Name,Age\n", "at 3, ", "he is 3", "A b", "Al Al "),
    )
    return [unit * (characters // len(unit)) for unit in units]


def _sample(files: list[Path], characters: int) -> Iterator[str]:
    files.sort()
    random.Random(1).shuffle(files)
    for file in files:
        if characters <= 0:
            return
        text = file.read_text(encoding="utf-8", errors="replace")[:_LONGEST]
        characters -= len(text)
        yield text
