"""Which user of this machine opened a loopback connection (Linux: the socket tables name the owner of each end)."""

from __future__ import annotations

import pwd
import socket
import sys
from pathlib import Path


def local_user(peer: tuple[str | int, ...] | None, own: tuple[str | int, ...] | None) -> str | None:
    """The name of the user who owns the client's end, or None where it can't be told (not Linux, not loopback)."""
    if not sys.platform.startswith("linux") or peer is None or own is None:
        return None
    family = socket.AF_INET6 if ":" in str(peer[0]) else socket.AF_INET
    table = Path("/proc/net/tcp6" if family == socket.AF_INET6 else "/proc/net/tcp")
    local, remote = _encode(family, peer), _encode(family, own)
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return None
    for line in lines:
        fields = line.split()
        if fields[1] == local and fields[2] == remote:
            try:
                return pwd.getpwuid(int(fields[7])).pw_name
            except KeyError:
                return None
    return None


def _encode(family: socket.AddressFamily, address: tuple[str | int, ...]) -> str:
    """`127.0.0.1, 8080` → `0100007F:1F90`: 32-bit groups in host byte order, as the kernel prints them."""
    packed = socket.inet_pton(family, str(address[0]).partition("%")[0])
    groups = (packed[index : index + 4] for index in range(0, len(packed), 4))
    text = "".join(f"{int.from_bytes(group, sys.byteorder):08X}" for group in groups)
    return f"{text}:{int(address[1]):04X}"
