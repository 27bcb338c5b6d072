"""Reads a form (multipart/form-data, RFC 7578) as it streams by, in pieces that put together are the bytes that came.

Strict on purpose: what another reader might take for something else is refused, so that no field is hidden from the guard.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LONGEST_HEAD = 16 * 1024
_BOUNDARY = re.compile(r"multipart/form-data\s*;(?:.*;)?\s*boundary=(?:\"([^\"\r\n]{1,70})\"|([^\s;\",]{1,70}))\s*(?:;.*)?", re.I)
_DISPOSITION = re.compile(r'form-data((?:\s*;\s*(?:name|filename)\s*=\s*"(?:[^"\\]|\\.)*"|\s*;\s*filename\*=[^\s;"]+)*)\s*', re.I)
_PARAMETER = re.compile(r';\s*(name|filename|filename\*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))', re.I)
_PLAIN = ("", "7bit", "8bit", "binary")


class FormError(ValueError):
    """It can't be read, or could be read in two ways; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Part:
    """One entry of a form. `filename` is None for a field."""

    name: str
    filename: str | None = None
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a form: of the body of `part`, or of what stands around the parts. `ends`: it ends the part, or the form."""

    data: bytes
    part: Part | None = None
    ends: bool = False


def boundary_of(content_type: str) -> bytes | None:
    """What parts are divided by; None where this is no form that says so."""
    match = _BOUNDARY.fullmatch(content_type.strip())
    return (match[1] or match[2]).encode("latin-1") if match else None


class FormReader:
    """`feed` raises FormError. Holds back a boundary's length at most, and the head of a part."""

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\r\n--" + boundary
        self._held = b"\r\n"  # the first delimiter may be the first line
        self._invented = 2
        self._part: Part | None = None
        self._in_head = False
        self._after = b""
        self.closed = False
        """The last delimiter has been read."""

    def feed(self, data: bytes) -> Iterator[Piece]:
        self._held += data
        while self._held:
            piece = self._epilogue() if self.closed else self._head() if self._in_head else self._body()
            if piece is None:
                return
            if piece.data or piece.ends:
                yield piece

    def _body(self) -> Piece | None:
        """What comes up to the next delimiter, as far as it is there."""
        if self._part is None and self._held[: len(self._delimiter)] != self._delimiter[: len(self._held)]:
            raise FormError("something stands before its first boundary")
        at = self._held.find(self._delimiter)
        if at < 0:
            return self._take(len(self._held) - len(self._delimiter) + 1)
        if self._part:
            piece = self._take(at, ends=True) or Piece(b"", self._part, ends=True)
            self._part = None
            return piece
        return self._delimited()

    def _delimited(self) -> Piece | None:
        """After the boundary: the end of its line, or `--`."""
        rest = self._held[len(self._delimiter) :]
        if len(rest) < 2:
            return None
        if rest.startswith(b"--"):
            self.closed = True
            return self._take(len(self._delimiter) + 2, ends=True)
        if not rest.startswith(b"\r\n"):
            raise FormError("a line begins like a boundary and is none")
        self._in_head = True
        return self._take(len(self._delimiter))

    def _epilogue(self) -> Piece | None:
        self._after += self._held
        if not b"\r\n".startswith(self._after):
            raise FormError("something follows its last boundary")
        return self._take(len(self._held))

    def _head(self) -> Piece | None:
        end = self._held.find(b"\r\n\r\n")
        if end < 0:
            if len(self._held) > _LONGEST_HEAD:
                raise FormError("the head of a part does not end")
            return None
        part = _read_head(self._held[:end])
        piece = self._take(end + 4)
        self._part, self._in_head = part, False
        return piece

    def _take(self, size: int, *, ends: bool = False) -> Piece | None:
        if size <= 0:
            return None
        data, self._held = self._held[:size], self._held[size:]
        data, self._invented = data[self._invented :], max(self._invented - len(data), 0)
        return Piece(data, self._part, ends)


def _read_head(head: bytes) -> Part:
    found: dict[str, str] = {}
    for line in head.decode("utf-8", "replace").split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if not colon or line[0] in " \t" or "\n" in line or "\r" in line or name in found:
            raise FormError("the head of a part is malformed")
        found[name] = value.strip()
    match = _DISPOSITION.fullmatch(found.get("content-disposition", ""))
    if match is None:
        raise FormError("a part has no content-disposition that could be read")
    if found.get("content-transfer-encoding", "").lower() not in _PLAIN or "content-encoding" in found:
        raise FormError("a part is encoded; send it as it is")
    parameters = [(name.lower(), quoted or token) for name, quoted, token in _PARAMETER.findall(match[1])]
    named = dict(parameters)
    if len(named) != len(parameters) or "name" not in named:
        raise FormError("a part has no name, or more than one")
    return Part(named["name"], named.get("filename", named.get("filename*")), found.get("content-type", ""))
