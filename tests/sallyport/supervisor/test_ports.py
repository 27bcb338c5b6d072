import socket

import pytest

from sallyport.settings import Address, SettingError
from sallyport.supervisor.ports import reserved


def listener(port: int = 0, *, shared: bool = False) -> socket.socket:
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    one.bind(("127.0.0.1", port))
    one.listen()
    return one


def test_port_0_becomes_a_real_port_that_our_processes_can_share():
    with reserved(Address.parse("127.0.0.1:0"), "--listen") as address:
        assert address.port > 0
        with listener(address.port, shared=True), listener(address.port, shared=True):
            socket.create_connection((address.host, address.port)).close()


def test_a_process_that_sets_no_reuseport_can_listen_on_it_too():
    with reserved(Address.parse("127.0.0.1:0"), "--console") as address, listener(address.port):
        socket.create_connection((address.host, address.port)).close()


@pytest.mark.parametrize("shared", [False, True])
def test_a_port_in_use_is_named_with_its_setting(shared: bool):
    with listener(shared=shared) as other:
        address = Address(host="127.0.0.1", port=other.getsockname()[1])
        with pytest.raises(SettingError, match=rf"{address} is in use.*--listen"), reserved(address, "--listen"):
            pass


def test_two_names_of_localhost_get_the_same_port():
    with reserved(Address.parse("localhost:0"), "--listen") as address, listener(address.port):
        pass


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_refused(host: str):
    with pytest.raises(SettingError, match=host), reserved(Address(host=host, port=8080), "--listen"):
        pass
