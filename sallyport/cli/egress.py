"""`egress`: lead clients that know nothing of the gateway to its transparent port, by nftables (Linux)."""

from __future__ import annotations

import grp
import ipaddress
import json
import pwd
import re
from collections.abc import Callable, Sequence
from typing import Any

import click

from sallyport.cli.commands import BadInput, Group, current_settings
from sallyport.cli.output import json_option, show_json
from sallyport.egress import nft
from sallyport.egress.ruleset import TABLE, Egress, Network, ruleset
from sallyport.settings import Settings

_INTERFACE_NAME = re.compile(r"[^\s/\"*\\]{1,15}\Z")


@click.group("egress", cls=Group)
def egress_command() -> None:
    """Lead clients that know nothing of the gateway to it: nftables rules for `--mode transparent@PORT`."""


def _rules_options[F: Callable[..., Any]](command: F) -> F:
    for option in reversed(
        (
            click.option("--network", "networks", metavar="CIDR", multiple=True, help="Clients this machine is the router of."),
            click.option("--interface", "interfaces", metavar="NAME", multiple=True, help="The same, by where they come in."),
            click.option("--user", "users", metavar="NAME", multiple=True, help="A user of this machine."),
            click.option("--group", "groups", metavar="NAME", multiple=True, help="Who runs with this group, on this machine."),
            click.option("--gateway-user", metavar="NAME", help="Who the gateway runs as.  [the owner of the data dir]"),
            click.option("--port", "ports", type=click.IntRange(1, 65535), multiple=True, default=(443,), show_default=True),
            click.option("--except", "left_alone", metavar="CIDR", multiple=True, help="Destinations to leave alone."),
        )
    ):
        command = option(command)
    return command


@egress_command.command("print")
@_rules_options
@json_option
def print_(as_json: bool, **given: Any) -> None:
    """Print the rules, as `apply` would load them: a file for `nft -f`."""
    egress = _egress(current_settings(), **given)
    if as_json:
        show_json({"table": TABLE, "to_port": egress.to_port, "ruleset": ruleset(egress)})
    else:
        click.echo(ruleset(egress), nl=False)


@egress_command.command("apply")
@_rules_options
@click.option("--check", is_flag=True, help="Have the kernel look at the rules, and change nothing.")
@json_option
def apply(check: bool, as_json: bool, **given: Any) -> None:
    """Put the rules in force, instead of those of an earlier `apply`. As root."""
    egress = _egress(current_settings(), **given)
    (nft.check if check else nft.load)(ruleset(egress))
    if as_json:
        show_json({"table": TABLE, "to_port": egress.to_port, "applied": not check})
    else:
        click.echo(f"the rules would do: nothing was changed in table {TABLE}" if check else f"table {TABLE} is in force")


@egress_command.command("show")
@json_option
def show(as_json: bool) -> None:
    """Show the rules that are in force. As root."""
    found = nft.listing("-j") if as_json else nft.listing()
    if as_json:
        show_json({"applied": found is not None, "nftables": json.loads(found)["nftables"] if found else []})
    elif found:
        click.echo(found, nl=False)
    else:
        click.echo(f"there is no table {TABLE}", err=True)


@egress_command.command("remove")
@json_option
def remove(as_json: bool) -> None:
    """Take the rules out: clients reach the providers directly again. As root."""
    removed = nft.remove()
    if as_json:
        show_json({"table": TABLE, "removed": removed})
    else:
        click.echo(f"table {TABLE} is removed" if removed else f"there was no table {TABLE}")


def _egress(
    settings: Settings,
    networks: Sequence[str],
    interfaces: Sequence[str],
    users: Sequence[str],
    groups: Sequence[str],
    gateway_user: str | None,
    ports: Sequence[int],
    left_alone: Sequence[str],
) -> Egress:
    """Raises BadInput."""
    if not (networks or interfaces or users or groups):
        raise BadInput("say whose connections to lead to the gateway: --network, --interface, --user or --group")
    for name in interfaces:
        if not _INTERFACE_NAME.match(name):
            raise BadInput(f"--interface: {name!r} can't be an interface's name")
    uids = [_uid("--user", user) for user in users]
    gateway_uid = 0
    if users or groups:
        gateway_uid = _uid("--gateway-user", gateway_user) if gateway_user else _owner(settings)
        if gateway_uid in uids:
            raise BadInput(
                f"--user: user {gateway_uid} is whom the gateway runs as, whose own calls would come back to it; "
                "run the gateway as a user of its own, or name that by --gateway-user"
            )
    return Egress(
        to_port=_transparent_port(settings, forwarded=bool(networks or interfaces)),
        networks=tuple(_network("--network", text) for text in networks),
        interfaces=tuple(dict.fromkeys(interfaces)),
        uids=tuple(dict.fromkeys(uids)),
        gids=tuple(dict.fromkeys(_gid(group) for group in groups)),
        gateway_uid=gateway_uid,
        ports=tuple(dict.fromkeys(ports)),
        left_alone=tuple(_network("--except", text) for text in left_alone),
    )


def _transparent_port(settings: Settings, *, forwarded: bool) -> int:
    from mitmproxy.proxy.mode_specs import ProxyMode, TransparentMode  # slow to import and seldom needed

    for spec in settings.modes:
        mode = ProxyMode.parse(spec)
        if isinstance(mode, TransparentMode) and (port := mode.custom_listen_port):
            if forwarded and mode.custom_listen_host in ("127.0.0.1", "::1", "localhost"):
                raise BadInput(
                    f"--mode {spec} listens to this machine alone; for clients of a network it must be transparent@{port}"
                )
            return port
    raise BadInput(
        "the gateway is not in transparent mode: run it with `--mode transparent@8082`, "
        "and give this command the same --mode, SALLYPORT_MODE or --config"
    )


def _network(option: str, text: str) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise BadInput(f"{option}: {text!r} is no network such as 10.1.0.0/16 or 2001:db8::/32") from None


def _owner(settings: Settings) -> int:
    try:
        return settings.data_dir.stat().st_uid
    except OSError as error:
        raise BadInput(
            f"the user whom the gateway runs as is not known ({settings.data_dir}: {error.strerror}); give --gateway-user"
        ) from None


def _uid(option: str, name: str) -> int:
    try:
        return int(name) if name.isdecimal() else pwd.getpwnam(name).pw_uid
    except KeyError:
        raise BadInput(f"{option}: this machine has no user {name!r}") from None


def _gid(name: str) -> int:
    try:
        return int(name) if name.isdecimal() else grp.getgrnam(name).gr_gid
    except KeyError:
        raise BadInput(f"--group: this machine has no group {name!r}") from None
