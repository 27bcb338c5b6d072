"""`python -m sallyport.standin`: serve the stand-ins until a signal."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from pathlib import Path

import click
import uvicorn

from sallyport.settings import Address
from sallyport.standin.app import StandInApp
from sallyport.standin.tls import Certificates, make_certificates


class _Address(click.ParamType[Address]):
    name = "HOST:PORT"

    def convert(self, value: str | Address, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        if isinstance(value, Address):
            return value
        try:
            return Address.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _Server(uvicorn.Server):
    """Says where it serves as soon as it does, and can end with its parent."""

    def __init__(self, config: uvicorn.Config, certificates: Certificates | None, *, until_eof: bool) -> None:
        super().__init__(config)
        self._certificates = certificates
        self._until_eof = until_eof

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        address = Address(host=self.config.host, port=self.servers[0].sockets[0].getsockname()[1])
        certificates = self._certificates
        url = f"{'https' if certificates else 'http'}://{address}"
        click.echo(json.dumps({"url": url, "ca": str(certificates.ca) if certificates else None}))
        if self._until_eof:
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._end)

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        self.should_exit = True


@click.command(help="Serve stand-ins for the seven providers and for LangSmith; print one JSON line when ready.")
@click.option("--listen", type=_Address(), default="127.0.0.1:0", show_default=True, help="Port 0 takes a free one.")
@click.option("--directory", type=click.Path(path_type=Path, file_okay=False), required=True, help="For the certificates.")
@click.option("--name", "names", multiple=True, help="What the certificate is for, instead of loopback. Repeatable.")
@click.option("--plain", is_flag=True, help="HTTP instead of HTTPS.")
@click.option("--until-eof", is_flag=True, help="End when standard input does: when the parent process has gone.")
def main(listen: Address, directory: Path, names: tuple[str, ...], plain: bool, until_eof: bool) -> None:
    certificates = None if plain else make_certificates(directory, *([names] if names else []))
    config = uvicorn.Config(
        StandInApp(),
        host=listen.host,
        port=listen.port,
        ssl_certfile=certificates.certificate if certificates else None,
        ssl_keyfile=certificates.key if certificates else None,
        log_level="critical",  # a connection cut on purpose is no error to report
        lifespan="off",
        ws="websockets-sansio",
        timeout_graceful_shutdown=1,
    )
    _Server(config, certificates, until_eof=until_eof).run()


if __name__ == "__main__":
    main()
