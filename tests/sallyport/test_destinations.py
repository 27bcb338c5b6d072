import socket

import pytest

from sallyport.destinations import Destinations, ForbiddenDestination
from sallyport.settings import Address, Settings


def destinations(*allowed: str) -> Destinations:
    settings = Settings(
        listen=Address(host="127.0.0.1", port=8080), console=Address(host="127.0.0.1", port=8081), allow_destinations=allowed
    )
    return Destinations(settings)


FORBIDDEN = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1", "fd00:ec2::254", "fc00::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
    "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1", "198.18.0.1",
]  # fmt: skip


@pytest.mark.parametrize("address", FORBIDDEN)
def test_this_machine_metadata_and_private_networks_are_forbidden(address: str):
    with pytest.raises(ForbiddenDestination, match=address.partition("%")[0]):
        destinations().check(address, 443)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "140.82.121.4"])
def test_the_internet_is_allowed(address: str):
    destinations().check(address, 443)


@pytest.mark.parametrize("spelling", ["2130706433", "0x7f.1", "127.1", "localhost", "0177.0.0.1"])
async def test_odd_spellings_are_judged_by_what_they_resolve_to(spelling: str):
    try:
        socket.getaddrinfo(spelling, 443)
    except OSError:
        pytest.skip(f"{spelling} does not resolve on this system")
    with pytest.raises(ForbiddenDestination):
        await destinations().resolve(spelling, 443)


def test_an_operator_can_allow_a_private_network():
    destinations("10.0.0.0/8").check("10.1.2.3", 443)
    with pytest.raises(ForbiddenDestination):
        destinations("10.0.0.0/8").check("192.168.1.1", 443)


def test_the_gateways_own_ports_are_never_a_destination_even_where_loopback_is_allowed():
    allowed = destinations("127.0.0.0/8")
    allowed.check("127.0.0.1", 9999)
    for port in (8080, 8081):
        with pytest.raises(ForbiddenDestination, match="gateway itself"):
            allowed.check("127.0.0.1", port)
