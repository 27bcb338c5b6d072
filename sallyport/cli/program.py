"""How the person called us, for the lines we print for pasting, and where the gateway is to be found."""

from __future__ import annotations

import ipaddress
import shlex
import sys
from pathlib import Path

from sallyport.paths import DataDir
from sallyport.settings import Address, Settings
from sallyport.supervisor.data_dir import read_state


def program(settings: Settings) -> str:
    """`./run_gateway.py`, or `sallyport --data-dir /srv/gateway`."""
    called = Path(sys.argv[0])
    words = ["./run_gateway.py" if called.name == "run_gateway.py" else "sallyport"]
    if settings.data_dir != Settings().data_dir:
        words += ["--data-dir", str(settings.data_dir)]
    return shlex.join(words)


def gateway_address(settings: Settings) -> Address:
    """Where a client on this machine reaches the proxy: of the gateway that runs on this data dir, else as configured."""
    running = read_state(DataDir(settings.data_dir))
    return reachable(Address.parse(running.listen) if running is not None else settings.listen)


def console_address(settings: Settings) -> Address:
    running = read_state(DataDir(settings.data_dir))
    return reachable(Address.parse(running.console) if running is not None else settings.console)


def reachable(address: Address) -> Address:
    """Loopback for an address that stands for all."""
    try:
        ip = ipaddress.ip_address(address.host)
    except ValueError:
        return address
    if not ip.is_unspecified:
        return address
    return Address(host="127.0.0.1" if ip.version == 4 else "::1", port=address.port)
