import json

from addons.refusal import Refusal
from addons.response_tap import ResponseTap
from addons.restored_answer import restored_answer
from sallyport.providers.usage import Meter, Usage
from sallyport.providers.wire.openai_chat import OpenAIChat
from sallyport.redaction.placeholders import Placeholders
from sallyport.redaction.restore import Restorer


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


def test_a_restored_stream_that_is_stopped_says_first_what_was_held_back():
    wire, names = OpenAIChat(), Placeholders(b"k", lambda _: True)
    mark = names.name("PASSWORD", "hunter2-hunter2")
    meter = wire.meter(status=200, headers={"content-type": "text/event-stream"}, prepared=False)
    restored = restored_answer("text/event-stream", Restorer(names.values), wire)
    tap = ResponseTap(meter, None, events=True, decoded=True, restored=restored)
    piece = {"choices": [{"index": 0, "delta": {"content": f"{mark} [SAFE"}}]}
    data = tap(b"data: " + json.dumps(piece).encode() + b"\n\ndata: {half an event")
    tap.stop(Refusal(402, "spend_limit", "the cap is reached"), Usage())
    events = tap.until_stopped(data).decode().split("\n\n")
    assert "hunter2-hunter2 " in events[0]
    assert "[SAFE" in events[1]
    assert "the cap is reached" in "".join(events[2:])
    assert "half an event" not in "".join(events)
