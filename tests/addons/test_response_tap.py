from addons.response_tap import ResponseTap
from sallyport.providers.base import Meter


class Counting(Meter):
    """Takes every x out, holds the last byte back, and calls `!` the end."""

    held = b""

    def feed(self, data: bytes) -> bytes:
        self.complete = self.complete or b"!" in data
        data = self.held + data.replace(b"x", b"")
        self.held, passed = data[-1:], data[:-1]
        return passed

    def finish(self) -> bytes:
        return self.held


def test_bytes_pass_unchanged_without_a_meter():
    tap = ResponseTap(None, None)
    assert tap(b"abc") == b"abc"
    assert tap(b"") == b""
    assert not tap.complete


def test_the_meter_decides_what_passes_and_what_comes_at_the_end():
    tap = ResponseTap(Counting(), None)
    assert tap(b"axb") + tap(b"c!") + tap(b"") == b"abc!"
    assert tap.complete


def test_an_answer_of_known_length_is_complete_with_its_last_byte():
    tap = ResponseTap(None, 6)
    tap(b"abc")
    assert not tap.complete
    tap(b"def")
    assert tap.complete


def test_the_first_byte_is_timed():
    tap = ResponseTap(None, None)
    assert tap.first_byte is None
    tap(b"a")
    first = tap.first_byte
    tap(b"b")
    assert tap.first_byte == first is not None
