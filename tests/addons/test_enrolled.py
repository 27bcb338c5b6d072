"""Who a caller without a key is, by where it comes from; `test_identify` has what follows from it."""

import getpass
import socket
from collections.abc import Iterator

import pytest
from mitmproxy.connection import Client
from mitmproxy.proxy.mode_specs import ProxyMode

from addons.enrolled import enrolled_key
from sallyport.store.snapshot import Enrollment
from tests.addons.support import make_snapshot

STRANGERS = (Enrollment("network", "0.0.0.0/0", "key-good"), Enrollment("network", "::/0", "key-good"))


def client(peer: str, mode: str = "regular") -> Client:
    return Client(peername=(peer, 1), sockname=("10.0.0.2", 2), timestamp_start=0.0, proxy_mode=ProxyMode.parse(mode))


def who(one: Client, *enrollments: Enrollment) -> str | None:
    key = enrolled_key(make_snapshot(enrollments=enrollments), one)
    return key.id if key else None


@pytest.mark.parametrize("peer", ["10.1.2.3", "::ffff:10.1.2.3", "fe80::1%eth0"])
def test_a_network(peer: str):
    networks = Enrollment("network", "10.0.0.0/8", "key-good"), Enrollment("network", "fe80::/10", "key-good")
    assert who(client(peer), *networks) == "key-good"
    assert who(client("192.0.2.1"), *networks) is None


@pytest.mark.parametrize("peer", ["192.0.2.1", "2001:db8::1"])
@pytest.mark.parametrize(
    ("mode", "known"),
    [
        ("transparent", True),
        ("wireguard", True),
        ("local", True),
        ("regular", False),
        ("socks5", False),
        ("reverse:https://api.openai.com", False),
    ],
)
def test_strangers_are_known_only_where_nobody_can_be_asked_for_a_key(peer: str, mode: str, known: bool):
    """Else an open port would be an open proxy."""
    assert who(client(peer, mode), *STRANGERS) == ("key-good" if known else None)
    assert who(client(peer, mode)) is None


def test_whoever_has_an_identity_is_no_stranger():
    network = Enrollment("network", "192.0.2.0/24", "key-revoked")
    assert who(client("192.0.2.1", "transparent"), *STRANGERS, network) == "key-revoked"


@pytest.fixture
def local() -> Iterator[Client]:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as end:
        mode = ProxyMode.parse("transparent")
        yield Client(peername=end.getsockname(), sockname=server.getsockname(), timestamp_start=0.0, proxy_mode=mode)


def test_a_local_user_is_no_stranger(local: Client):
    user = Enrollment("os_user", getpass.getuser(), "key-revoked")
    assert who(local, *STRANGERS, user) == "key-revoked"
    assert who(local, *STRANGERS, Enrollment("os_user", "somebody-else", "key-revoked")) == "key-good"
