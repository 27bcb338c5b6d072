"""`wireguard`: what the clients of `--mode wireguard@PORT` need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sallyport.cli.commands import BadInput, Command, Failure, current_settings
from sallyport.cli.output import json_option, show_json
from sallyport.cli.program import program
from sallyport.paths import DataDir
from sallyport.settings import Settings

if TYPE_CHECKING:
    from mitmproxy.proxy.mode_specs import WireGuardMode

# mitmproxy's: it serves one client key, whose holders all have this address
_CLIENT_ADDRESS = "10.0.0.1"
_NAME_SERVER = "10.0.0.53"


@click.command("wireguard", cls=Command)
@click.option(
    "--endpoint", metavar="HOST", help="Where clients reach the gateway.  [the first of --names, else an address of ours]"
)
@json_option
def wireguard_command(endpoint: str | None, as_json: bool) -> None:
    """Print the configuration of the gateway's WireGuard clients, their private key in it. All of them share it."""
    settings = current_settings()
    mode = _mode(settings)
    keys = mode.data or str(DataDir(settings.data_dir).ca / "wireguard.conf")
    private, public = _keys(settings, Path(keys).expanduser())
    host = endpoint or _reachable(settings, mode)
    where = f"[{host}]" if host.count(":") > 1 else host
    found = {
        "private_key": private,
        "address": f"{_CLIENT_ADDRESS}/32",
        "dns": _NAME_SERVER,
        "public_key": public,
        "allowed_ips": "0.0.0.0/0",
        "endpoint": f"{where}:{mode.listen_port()}",
    }
    if as_json:
        show_json(found)
    else:
        click.echo(
            f"[Interface]\nPrivateKey = {private}\nAddress = {found['address']}\nDNS = {found['dns']}\n\n"
            f"[Peer]\nPublicKey = {public}\nAllowedIPs = {found['allowed_ips']}\nEndpoint = {found['endpoint']}"
        )


def _mode(settings: Settings) -> WireGuardMode:
    from mitmproxy.proxy.mode_specs import ProxyMode, WireGuardMode  # slow to import and seldom needed

    for spec in settings.modes:
        if isinstance(mode := ProxyMode.parse(spec), WireGuardMode):
            return mode
    raise BadInput(
        "the gateway is not in WireGuard mode: run it with `--mode wireguard@51820`, "
        "and give this command the same --mode, SALLYPORT_MODE or --config"
    )


def _keys(settings: Settings, path: Path) -> tuple[str, str]:
    """The client's private key and the server's public one."""
    import mitmproxy_rs

    try:
        keys = json.loads(path.read_text())
        return keys["client_key"], mitmproxy_rs.wireguard.pubkey(keys["server_key"])
    except FileNotFoundError:
        raise Failure(f"there are no WireGuard keys yet ({path}): start `{program(settings)} serve` once in that mode") from None
    except (ValueError, KeyError, TypeError):
        raise Failure(f"{path} does not hold a client_key and a server_key of WireGuard") from None


def _reachable(settings: Settings, mode: WireGuardMode) -> str:
    from mitmproxy.net.local_ip import get_local_ip

    return next(iter(settings.names), None) or mode.custom_listen_host or get_local_ip() or "127.0.0.1"
