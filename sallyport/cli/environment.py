"""`env` and `exec`: send a shell, a client or one command through the gateway."""

from __future__ import annotations

import os
import shlex
import socket
import sys
from pathlib import Path
from typing import NoReturn

import click

from certs.overlays import Overlay, Run, overlay
from certs.recipes import RECIPES, Recipe, environment, recipe
from certs.truststore import java_truststore
from sallyport.cli.commands import BadInput, Command, Failure, current_settings
from sallyport.cli.exec_key import exec_key
from sallyport.cli.output import json_option, show_json
from sallyport.cli.program import gateway_address, program
from sallyport.paths import DataDir
from sallyport.settings import Address, Settings

KEY = "SALLYPORT_KEY"
_PLACEHOLDER = "sp_YOUR_KEY"
_OPERATORS = ("SALLYPORT_ADMIN_KEY", "SALLYPORT_MASTER_KEY", "SALLYPORT_MASTER_KEY_FILE")  # no business of an agent's
_CONNECT_SECONDS = 2.0

_key_option = click.option("--key", envvar=KEY, metavar="sp_…", help=f"The gateway key to use.  [{KEY}]")


@click.command("env", cls=Command)
@_key_option
@click.option("--client", type=click.Choice(sorted(RECIPES)), help="Point this one client at its base URL, instead of the proxy.")
@json_option
def env_command(key: str | None, client: str | None, as_json: bool) -> None:
    """Print what sends programs through the gateway: eval "$(run_gateway.py env --key sp_…)"."""
    settings = current_settings()
    data = _with_ca(settings)
    address = gateway_address(settings)
    if key is None:
        key = _PLACEHOLDER
        make = f"{program(settings)} keys create NAME"
        click.echo(f"# put your gateway key where {_PLACEHOLDER} stands ({make}), or set {KEY} first", err=True)
    if client is None:
        found = Recipe(environment(_proxy_url(address, key), data.ca_cert, data.ca_bundle, _truststore(data)))
    else:
        found = recipe(client, f"http://{address}", key, data.ca_bundle)
    if as_json:
        show_json({"variables": dict(found.variables), "config": dict(found.config)})
        return
    for name, value in found.variables.items():
        click.echo(f"export {name}={shlex.quote(value)}")
    for file, content in found.config.items():
        click.echo("\n".join([f"# and in {file}:", *(f"#   {line}" for line in content.splitlines())]))


@click.command("exec", cls=Command, context_settings={"allow_interspersed_args": False})
@_key_option
@click.option("--own-login", is_flag=True, help="Leave the client its own vendor log-in (workspaces that pass it through).")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_command(key: str | None, own_login: bool, command: tuple[str, ...]) -> NoReturn:
    """Run COMMAND with the variables that `env` prints. Its exit code is ours.

    Without a key one is made for this user, and kept in the data dir.
    """
    settings = current_settings()
    data = _with_ca(settings)
    address = gateway_address(settings)
    _check_listening(settings, address)
    proxy_url = _proxy_url(address, key or exec_key(settings))
    inherited = {name: value for name, value in os.environ.items() if name not in _OPERATORS}
    added = Overlay() if own_login else overlay(command[0], Run(os.environ, asks=sys.stdin.isatty() and sys.stdout.isatty()))
    variables = inherited | environment(proxy_url, data.ca_cert, data.ca_bundle, _truststore(data)) | dict(added.variables)
    try:
        os.execvpe(command[0], (command[0], *added.arguments, *command[1:]), variables)  # noqa: S606 - running what the person names is what this is for
    except FileNotFoundError:
        click.echo(f"Error: {command[0]}: command not found", err=True)
        click.get_current_context().exit(127)
    except OSError as error:
        click.echo(f"Error: {command[0]} can't be run: {error.strerror}", err=True)
        click.get_current_context().exit(126)


def _with_ca(settings: Settings) -> DataDir:
    data = DataDir(settings.data_dir)
    if not data.ca_cert.exists():
        raise Failure(f"there is no gateway in {data.root} yet: start it once with `{program(settings)} serve`")
    return data


def _proxy_url(address: Address, key: str) -> str:
    if not key.isascii() or any(character in key for character in "@:/?#%\\ \"'"):
        raise BadInput("--key: this is no gateway key; they start with sp_")
    return f"http://sallyport:{key}@{address}"


def _truststore(data: DataDir) -> Path:
    path = data.ca / "truststore.p12"
    java_truststore(path, data.ca_bundle)
    return path


def _check_listening(settings: Settings, address: Address) -> None:
    try:
        socket.create_connection((address.host, address.port), _CONNECT_SECONDS).close()
    except OSError:
        raise Failure(f"nothing listens on {address}: start the gateway with `{program(settings)} serve`") from None
