"""The one connection for scripts: answers go to whom they belong, a lost or silent server costs no more than who waits for it."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import NoScriptError, ResponseError

from sallyport.spend.connection import connect
from sallyport.spend.script_connection import Command, ScriptConnection, script_connection
from sallyport.supervisor.redis_server import find_server


def connection(url: str) -> ScriptConnection:
    made = script_connection(url)
    assert made is not None
    return made


def echo(value: int | str) -> Command:
    return ("EVAL", "return ARGV[1]", 0, value)


async def test_each_of_many_at_once_gets_its_own_answer(redis_url: str) -> None:
    scripts = connection(redis_url)
    answers = await asyncio.gather(*(scripts.run(echo(number)) for number in range(2000)))
    assert answers == [b"%d" % number for number in range(2000)]
    scripts.close()


async def test_large_answers_come_whole(redis_url: str) -> None:
    scripts = connection(redis_url)
    texts = [letter * 3_000_000 for letter in "abc"]
    assert await asyncio.gather(*(scripts.run(echo(text)) for text in texts)) == [text.encode() for text in texts]
    scripts.close()


async def test_an_answer_that_nobody_waits_for_any_more_is_no_other_calls_answer(redis_url: str) -> None:
    async with connect(redis_url) as client:
        scripts = connection(redis_url)
        await scripts.run(echo("first"))
        await client.client_pause(200)
        given_up = asyncio.ensure_future(scripts.run(echo("given up")))
        waits = asyncio.ensure_future(scripts.run(echo("waits")))
        await asyncio.sleep(0)
        given_up.cancel()
        assert await waits == b"waits"
        assert await scripts.run(echo("later")) == b"later"
        scripts.close()


async def test_an_error_is_its_own_commands(redis_url: str) -> None:
    scripts = connection(redis_url)
    unknown = scripts.run(("EVALSHA", "0" * 40, 0))
    wrong = scripts.run(("EVAL", "return redis.call('HGET')", 0))
    answers = await asyncio.gather(scripts.run(echo(1)), unknown, wrong, scripts.run(echo(2)), return_exceptions=True)
    assert answers[0] == b"1"
    assert answers[3] == b"2"
    assert isinstance(answers[1], NoScriptError)
    assert isinstance(answers[2], ResponseError)
    scripts.close()


async def test_a_server_that_goes_fails_all_who_wait_and_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "r.sock"
    with server(path):
        scripts = connection(f"unix://{path}")
        assert await scripts.run(echo(1)) == b"1"
        waiting = [asyncio.ensure_future(scripts.run(("EVAL", "while true do end", 0))) for _ in range(3)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    for answer in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(answer, ConnectionLost | OSError)
    with pytest.raises((ConnectionLost, OSError)):
        await scripts.run(echo(2))
    path.unlink(missing_ok=True)
    with server(path):
        assert await scripts.run(echo(3)) == b"3"
        scripts.close()


async def test_a_server_that_says_nothing_any_more_is_asked_on_another_connection(tmp_path: Path) -> None:
    """A machine that vanished closes nothing: the connection would stay, and every call with it."""
    opened = 0

    async def mute_at_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        mute = opened == 1
        while await reader.read(4096):
            if not mute:
                writer.write(b"$2\r\nhi\r\n")
        writer.close()

    async with await asyncio.start_unix_server(mute_at_first, tmp_path / "mute.sock"):
        scripts = connection(f"unix://{tmp_path}/mute.sock")
        with suppress(TimeoutError):
            await asyncio.wait_for(scripts.run(echo("x")), 1.1)
        assert await scripts.run(echo("x")) == b"hi"
        scripts.close()


async def test_each_waits_as_long_as_it_said(redis_url: str) -> None:
    async with connect(redis_url) as client:
        scripts = connection(redis_url)
        await scripts.run(echo("first"))
        await client.client_pause(300)
        patient, hasty, next_one = await asyncio.gather(
            scripts.run(echo("patient"), 20),
            scripts.run(echo("hasty"), 0.05),
            scripts.run(echo("next"), 20),
            return_exceptions=True,
        )
        assert (patient, type(hasty), next_one) == (b"patient", TimeoutError, b"next")
        assert await scripts.run(echo("later"), 20) == b"later"
        scripts.close()


async def test_what_is_not_redis_is_an_error(tmp_path: Path) -> None:
    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_unix_server(web, tmp_path / "web.sock"):
        scripts = connection(f"unix://{tmp_path}/web.sock")
        with pytest.raises(ConnectionLost):
            await scripts.run(echo("x"))


async def test_password_and_database_of_the_url_hold() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with running("--port", str(port), "--bind", "127.0.0.1", "--requirepass", "a b"):
        async with connect(f"redis://:a%20b@127.0.0.1:{port}/3") as client:
            while True:
                with suppress(ConnectionLost):
                    await client.ping()
                    break
            await client.execute_command("EVAL", "redis.call('SET', 'k', 'v')", 0)
            assert await client.get("k") == b"v"
        wrong = connection(f"redis://default:wrong@127.0.0.1:{port}/3")
        with pytest.raises(ResponseError, match="WRONGPASS"):
            await wrong.run(echo("x"))


@pytest.mark.parametrize(
    "url", ["rediss://127.0.0.1:1/0", "redis://127.0.0.1:1/0?protocol=3", "unix:///r.sock?health_check_interval=5"]
)
def test_a_url_that_says_more_is_left_to_redis_py(url: str) -> None:
    assert script_connection(url) is None


@contextmanager
def server(path: Path) -> Generator[None]:
    """On a unix socket, once it listens."""
    with running("--port", "0", "--unixsocket", str(path)):
        while True:
            with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(path))
                break
        yield


@contextmanager
def running(*arguments: str) -> Generator[None]:
    """Killed at the end, whatever it does then."""
    with subprocess.Popen([find_server(), *arguments, "--save", ""], stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()
