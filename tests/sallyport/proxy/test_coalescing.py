import asyncio

from sallyport.proxy.coalescing import CoalescingWriter


async def connected(received: list[bytes], ended: asyncio.Event) -> tuple[asyncio.Server, asyncio.StreamWriter]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            received.append(data)
        ended.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    return server, writer


async def test_everything_arrives_in_order_and_before_the_end():
    received: list[bytes] = []
    ended = asyncio.Event()
    server, inner = await connected(received, ended)
    writer = CoalescingWriter(inner)
    for number in range(100):
        writer.write(b"%d," % number)
    await writer.drain()
    writer.write(b"last")
    writer.close()
    await ended.wait()
    assert b"".join(received) == b"".join(b"%d," % number for number in range(100)) + b"last"
    server.close()


async def test_a_half_close_comes_after_what_was_written():
    received: list[bytes] = []
    ended = asyncio.Event()
    server, inner = await connected(received, ended)
    writer = CoalescingWriter(inner)
    writer.write(b"all")
    writer.write_eof()
    await ended.wait()
    assert b"".join(received) == b"all"
    assert not writer.is_closing()
    writer.close()
    server.close()
