from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.multipart import FormError, FormReader, boundary_of

NAMES = st.text("abcdefgh[]_-", min_size=1, max_size=8)
BODIES = st.one_of(
    st.binary(max_size=60), st.sampled_from([b"\r\n", b"--b", b"\r\n--", b"\r\n--bb\r\n", b"\r\n--b-", b"--b--\r\n"])
)


def feed(data: bytes, cuts: list[int], boundary: bytes = b"b") -> tuple[bytes, list[tuple[str, str | None, bytes]], bool]:
    """What passes on, the parts that were seen, and whether the form is whole."""
    reader, passed = FormReader(boundary), b""
    parts: list[tuple[str, str | None, bytes]] = []
    held = b""
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for start, end in pairwise(places):
        for piece in reader.feed(data[start:end]):
            passed += piece.data
            if piece.part:
                held += piece.data
                if piece.ends:
                    parts.append((piece.part.name, piece.part.filename, held))
                    held = b""
    return passed, parts, reader.closed


def written(parts: list[tuple[str, str | None, bytes]]) -> bytes:
    data = b""
    for name, filename, body in parts:
        file = "" if filename is None else f'; filename="{filename}"'
        data += f'--b\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + body + b"\r\n"
    return data + b"--b--\r\n"


@given(parts=st.lists(st.tuples(NAMES, st.none() | NAMES, BODIES), max_size=4), cuts=st.lists(st.integers(0, 1000), max_size=12))
def test_pieces_make_up_the_form_whatever_way_it_comes(parts: list[tuple[str, str | None, bytes]], cuts: list[int]):
    data = written(parts)
    if any(b"\r\n--b" in b"\r\n" + body for _, _, body in parts):
        return  # a sender takes a boundary that does not occur in what it sends
    assert feed(data, cuts) == (data, parts, True)


@given(data=st.binary(max_size=200), cuts=st.lists(st.integers(0, 200), max_size=5))
def test_what_is_no_form_is_refused_or_not_whole(data: bytes, cuts: list[int]):
    try:
        passed, _, closed = feed(b"--b\r\n" + data, cuts)
    except FormError:
        return
    assert closed or (b"--b\r\n" + data).startswith(passed)


HEAD = b'--b\r\nContent-Disposition: form-data; name="a"'


@pytest.mark.parametrize(
    "data",
    [
        b"x--b\r\n",
        b"--b x\r\n",
        HEAD + b'\r\nContent-Disposition: form-data; name="model"\r\n\r\n',
        HEAD + b'; name="model"\r\n\r\n',
        HEAD + b"; name=model\r\n\r\n",
        HEAD + b"\r\n folded: x\r\n\r\n",
        HEAD + b"\nX: y\r\n\r\n",
        HEAD + b"\r\nContent-Encoding: gzip\r\n\r\n",
        HEAD + b"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
        b"--b\r\nContent-Type: text/plain\r\n\r\n",
        b"--b\r\nContent-Disposition: form-data\r\n\r\n",
        HEAD + b"\r\nX: " + b"x" * 20_000,
        HEAD + b"\r\n\r\n1\r\n--b--\r\n\r\n",
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(data: bytes):
    with pytest.raises(FormError):
        feed(data, [])


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('Multipart/Form-Data; charset=utf-8; boundary="a b"', b"a b"),
        ("multipart/form-data", None),
        ("application/json", None),
        ("multipart/mixed; boundary=abc", None),
    ],
)
def test_the_boundary(content_type: str, boundary: bytes | None):
    assert boundary_of(content_type) == boundary
