from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.providers.usage import File, Usage
from sallyport.providers.wire.audio_length import audio_ms
from sallyport.providers.wire.openai_audio import OpenAISpeech, OpenAITranscription

WAV = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\x01\0\x80>\0\0\0}\0\0\x02\0\x10\0data"
"""The head of a sound of 32,000 bytes a second."""
TOKENS = (
    b'"usage":{"type":"tokens","input_tokens":14,"input_token_details":{"text_tokens":4,"audio_tokens":10},"output_tokens":3}'
)
STREAM = (
    b'data: {"type":"transcript.text.delta","delta":"Hi"}\n\ndata: {"type":"transcript.text.done","text":"Hi",'
    + TOKENS
    + b"}\n\n"
)
SPEECH = (
    b'data: {"type":"speech.audio.delta","audio":"AAAA"}\n\n'
    b'data: {"type":"speech.audio.done","usage":{"input_tokens":14,"output_tokens":101,"total_tokens":115}}\n\n'
)


@given(cuts=st.lists(st.integers(0, 300)))
def test_streams(metered: Callable[..., Any], cuts: list[int]):
    for wire, answer, usage in (
        (OpenAITranscription(), STREAM, Usage(14, 3, input_audio_tokens=10)),
        (OpenAISpeech(), SPEECH, Usage(14, 101)),
    ):
        seen = metered(wire, answer, "text/event-stream", cuts=cuts)
        assert (seen.client, seen.usage, seen.complete) == (answer, usage, True)


@pytest.mark.parametrize(
    ("answer", "usage"),
    [
        (b'{"text":"Hi",' + TOKENS + b"}", Usage(14, 3, input_audio_tokens=10)),
        (b'{"text":"Hi","usage":{"type":"duration","seconds":8.47}}', Usage(audio_ms=9000)),
        (b'{"text":"Hi","duration":"8.47","segments":[]}', Usage(audio_ms=9000)),
        (b'{"text":"Hi"}', None),
        (b"1\n00:00:00,000 --> 00:00:02,000\nHi\n", None),
    ],
)
def test_transcripts(metered: Callable[..., Any], answer: bytes, usage: Usage | None):
    assert metered(OpenAITranscription(), answer).usage == usage


def test_sound_is_as_long_as_its_size_says():
    assert audio_ms([File("file", 64_000, WAV)], worst=False) == 2000
    assert audio_ms([File("file", 64_000, b"ID3")], worst=False) == 32_000
    assert audio_ms([File("a", 64_000, WAV), File("b", 750)], worst=True) == -(-64_000_000 // 750) + 1000


@pytest.mark.parametrize(
    ("model", "usage"),
    [("whisper-1", Usage(audio_ms=2000)), ("gpt-4o-transcribe", Usage(21, 8, input_audio_tokens=20))],
)
def test_what_a_transcription_will_use(model: str, usage: Usage):
    file = File("file", 64_000, WAV)
    wire = OpenAITranscription()
    assert wire.estimate({"model": model}, 3, [file], worst=False) == usage
    worst = wire.estimate({"model": model}, 3, [file], worst=True)
    assert (worst.audio_ms, worst.input_tokens, worst.output_tokens) >= (usage.audio_ms, usage.input_tokens, usage.output_tokens)


@pytest.mark.parametrize(("speed", "output"), [(None, 15), (2, 15), (0.5, 30), (0.01, 60), (-1, 15), ("fast", 15)])
def test_what_speech_will_use(speed: object, output: int):
    assert OpenAISpeech().estimate({"input": "0123456789", "speed": speed}, 30, (), worst=False) == Usage(10, output)
