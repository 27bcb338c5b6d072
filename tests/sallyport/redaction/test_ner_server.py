"""A NER process: answers rules before its model is there, survives bad clients, and ends when told to."""

import asyncio
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sallyport.paths import DataDir
from sallyport.redaction.ner_client import NerClient, NerTimeout, NerUnavailable
from tests.sallyport.redaction.conftest import start_ner
from tests.sallyport.redaction.samples import TOKENS

SECRET = TOKENS["openai project"][1]()


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """Unix socket paths are short."""
    with tempfile.TemporaryDirectory(prefix="sallyport-ner-") as directory:
        yield Path(directory)


def soon(seconds: float = 30) -> float:
    return asyncio.get_running_loop().time() + seconds


async def test_life_of_a_process(short_dir: Path) -> None:
    process = start_ner(short_dir)
    socket = DataDir(short_dir).ner_socket(0)
    client = NerClient([socket])
    try:
        (found,) = await client.scan([f"x {SECRET}"], pii=False, secrets=True, deadline=soon(2))  # no model yet, no wait for it
        assert [finding.category for finding in found] == ["OPENAI_API_KEY"]
        assert socket.stat().st_mode & 0o077 == 0

        reader, writer = await asyncio.open_unix_connection(socket)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await reader.read() == b""
        writer.close()
        assert await client.scan([""], pii=True, secrets=True, deadline=soon())

        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)
        with pytest.raises(NerUnavailable):
            await client.scan(["x"], pii=True, secrets=True, deadline=soon())

        process = start_ner(short_dir)
        assert await client.scan(["x"], pii=True, secrets=True, deadline=soon())  # the client found the new one
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        assert not socket.exists()
    finally:
        await client.close()
        if process.poll() is None:
            process.kill()
            process.wait(timeout=10)


async def test_rules_answer_while_names_are_read(ner: NerClient) -> None:
    prose = "Dear Maria Lopez, I met Peter Parker in Rome and we spoke about the weather there.\n" * 140
    names = asyncio.gather(*(ner.names([prose + str(number)], deadline=soon()) for number in range(6)))
    await asyncio.sleep(0)
    await ner.scan([f"x {SECRET}"], pii=True, secrets=True, deadline=soon())
    assert not names.done()
    assert all(found for (found,) in await names)


async def test_deadline_is_kept(ner: NerClient) -> None:
    prose = "Dear Maria Lopez, I met Peter Parker in Rome and we spoke about the weather there.\n" * 140
    began = asyncio.get_running_loop().time()
    with pytest.raises(NerTimeout):
        await ner.names([prose * 20], deadline=soon(0.3))
    assert 0.25 < asyncio.get_running_loop().time() - began < 2
    assert await ner.names(["I met Mary Jones."], deadline=soon())  # and it did not go on with what nobody waits for


async def test_a_process_that_is_down_is_passed_over(ner_socket: Path) -> None:
    client = NerClient([ner_socket.with_name("none.sock"), ner_socket])
    assert await client.scan(["x"], pii=True, secrets=True, deadline=soon())
    await client.close()
