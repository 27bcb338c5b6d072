import getpass
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest

from addons.local_user import local_user

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux")


@pytest.fixture
def ports() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A server of each family, on one port."""
    with socket.create_server(("127.0.0.1", 0)) as four, socket.create_server(("::1", 0), family=socket.AF_INET6) as six:
        yield four, six


@pytest.mark.parametrize("family", [0, 1])
def test_who_connected(ports: tuple[socket.socket, socket.socket], family: int):
    server = ports[family]
    with socket.create_connection(server.getsockname()[:2]) as client:
        assert local_user(client.getsockname(), server.getsockname()) == getpass.getuser()
        client.shutdown(socket.SHUT_WR)
        assert local_user(client.getsockname(), server.getsockname()) == getpass.getuser()


def test_an_ipv4_address_written_as_an_ipv6_one(ports: tuple[socket.socket, socket.socket]):
    """As Java connects, and as a listener for both families sees those who connect."""
    port = ports[0].getsockname()[1]
    with closing(socket.socket(socket.AF_INET6)) as client:
        client.connect(("::ffff:127.0.0.1", port))
        own = client.getsockname()
        for peer in (own[:2], ("127.0.0.1", own[1])):
            for destination in (("127.0.0.1", port), ("::ffff:127.0.0.1", port, 0, 0)):
                assert local_user(peer, destination) == getpass.getuser()


def test_a_listener_on_the_port_that_a_stranger_comes_from(ports: tuple[socket.socket, socket.socket]):
    """Where no such connection is ours, the kernel tells of the listener; its owner is not who calls."""
    with socket.create_server(("0.0.0.0", 0)) as listener:
        assert local_user(("127.0.0.1", listener.getsockname()[1]), ports[0].getsockname()) is None
        assert local_user(("203.0.113.9", listener.getsockname()[1]), ports[0].getsockname()) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be another user")
def test_another_user(ports: tuple[socket.socket, socket.socket]):
    port = ports[0].getsockname()[1]
    script = "import socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); s.recv(1)"
    command = ["setpriv", "--reuid", "65534", "--clear-groups", "/usr/bin/env", "python3", "-c", script, str(port)]
    with subprocess.Popen(command) as process:
        ports[0].settimeout(10)
        accepted, peer = ports[0].accept()
        assert local_user(peer, accepted.getsockname()) == "nobody"
        accepted.close()
    assert process.returncode == 0
