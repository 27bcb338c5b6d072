"""`python -m sallyport.standin`: serve the stand-ins until a signal."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import click
import uvicorn

from sallyport.settings import Address
from sallyport.standin.app import StandInApp
from sallyport.standin.tls import make_certificates


class _Address(click.ParamType):
    name = "HOST:PORT"

    def convert(self, value: str | Address, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        if isinstance(value, Address):
            return value
        try:
            return Address.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command(help="Serve stand-ins for the seven providers and for LangSmith; print one JSON line when ready.")
@click.option("--listen", type=_Address(), default="127.0.0.1:0", show_default=True, help="Port 0 takes a free one.")
@click.option("--directory", type=click.Path(path_type=Path, file_okay=False), required=True, help="For the certificates.")
@click.option("--plain", is_flag=True, help="HTTP instead of HTTPS.")
@click.option("--until-eof", is_flag=True, help="End when standard input does: when the parent process has gone.")
def main(listen: Address, directory: Path, plain: bool, until_eof: bool) -> None:
    # "critical": a connection that is cut on purpose is no error to report
    config = uvicorn.Config(
        StandInApp(), host=listen.host, port=listen.port, log_level="critical", lifespan="off", timeout_graceful_shutdown=1
    )
    certificates = None if plain else make_certificates(directory)
    if certificates is not None:
        config.ssl_certfile, config.ssl_keyfile = str(certificates.certificate), str(certificates.key)
    server = uvicorn.Server(config)

    async def serve() -> None:
        serving = asyncio.create_task(server.serve())
        while not server.started and not serving.done():
            await asyncio.sleep(0.005)
        if server.started:
            address = Address(host=listen.host, port=server.servers[0].sockets[0].getsockname()[1])
            line = {"url": f"{'http' if plain else 'https'}://{address}", "ca": str(certificates.ca) if certificates else None}
            click.echo(json.dumps(line))
            if until_eof:
                asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _end, server)
        await serving

    asyncio.run(serve())


def _end(server: uvicorn.Server) -> None:
    asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
    server.should_exit = True


if __name__ == "__main__":
    main()
