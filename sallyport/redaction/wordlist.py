"""Word lists that lie beside the code."""

from __future__ import annotations

from importlib.resources import files


def load(name: str) -> frozenset[str]:
    """The words of a list: separated by blanks, in any number of lines; lines that start with `#` are comments."""
    lines = files(__package__).joinpath(name).read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


FUNCTION_WORDS = load("function_words.txt")
