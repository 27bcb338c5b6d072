"""Which user of this machine opened a connection to us (Linux: the kernel is asked for the client's own end of it)."""

from __future__ import annotations

import ipaddress
import pwd
import socket
import struct
import sys

Address = tuple[str | int, ...]

# linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h
_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST = 1
_HEADER = struct.Struct("=IHHII")
_REQUEST = struct.Struct("=BBBxI")
_ENDS = struct.Struct("!HH16s16s")
_ANSWER = struct.Struct("=BBxx")
_ANY_INTERFACE_NO_COOKIE = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)
_UID_OFFSET = _HEADER.size + _ANSWER.size + _ENDS.size + len(_ANY_INTERFACE_NO_COOKIE) + 12
_LISTENING = 10


def local_user(peer: Address | None, destination: Address | None) -> str | None:
    """The name of the user who owns the client's end, or None where it can't be told (not Linux, another machine).

    `destination` is where the client connected to: on a connection redirected to us, not our own address.
    """
    if not sys.platform.startswith("linux") or peer is None or destination is None:
        return None
    uid = _owner(_end(peer), _end(destination))
    try:
        return pwd.getpwuid(uid).pw_name if uid is not None else None
    except KeyError:
        return None


def _owner(client: tuple[bytes, int], destination: tuple[bytes, int]) -> int | None:
    """The owner of the socket with these two ends. One look-up in the kernel's table of connections, of however many."""
    family = socket.AF_INET if len(client[0]) == 4 else socket.AF_INET6
    ends = _ENDS.pack(client[1], destination[1], client[0], destination[0])
    request = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, 0xFFFFFFFF) + ends + _ANY_INTERFACE_NO_COOKIE
    header = _HEADER.pack(_HEADER.size + len(request), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 1, 0)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _NETLINK_SOCK_DIAG) as kernel:
            kernel.setblocking(False)  # it answers before `send` returns
            kernel.send(header + request)
            answer = kernel.recv(4096)
    except OSError:
        return None
    if len(answer) < _UID_OFFSET + 4 or _HEADER.unpack_from(answer)[1] != _SOCK_DIAG_BY_FAMILY:
        return None  # there is no such socket
    family, state = _ANSWER.unpack_from(answer, _HEADER.size)
    source_port, destination_port, source, far = _ENDS.unpack_from(answer, _HEADER.size + _ANSWER.size)
    size = 4 if family == socket.AF_INET else 16
    found = _end((_text(source[:size]), source_port)), _end((_text(far[:size]), destination_port))
    if state == _LISTENING or found != (client, destination):  # where there is none, a listener on the client's port is told
        return None
    return int.from_bytes(answer[_UID_OFFSET : _UID_OFFSET + 4], sys.byteorder)


def _end(address: Address) -> tuple[bytes, int]:
    """Packed address and port; an IPv4 address is one however it is written, since a client's end may say it otherwise."""
    ip = ipaddress.ip_address(str(address[0]).partition("%")[0])
    return ((ip.version == 6 and ip.ipv4_mapped) or ip).packed, int(address[1])


def _text(packed: bytes) -> str:
    return str(ipaddress.ip_address(packed))
