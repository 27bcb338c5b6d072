import socket
import struct

import pytest
from mitmproxy import dns
from mitmproxy.connection import Client, Server
from mitmproxy.net.dns import response_codes, types

from sallyport.proxy.name_server import NameServer

HTTPS = 65


async def ask(name: str, kind: int) -> dns.DNSMessage:
    question = struct.pack("!6H", 1, 0x0100, 1, 0, 0, 0)
    question += b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + struct.pack("!BHH", 0, kind, 1)
    client = Client(peername=("10.0.0.1", 1), sockname=("10.0.0.53", 53), timestamp_start=0.0)
    flow = dns.DNSFlow(client, Server(address=("10.0.0.53", 53)))
    flow.request = dns.DNSMessage.unpack(question)
    await NameServer().dns_request(flow)
    assert flow.response is not None
    return dns.DNSMessage.unpack(flow.response.packed)


async def test_an_address():
    reply = await ask("localhost", types.A)
    assert [str(answer.ipv4_address) for answer in reply.answers] == ["127.0.0.1"]


@pytest.mark.parametrize("kind", [types.AAAA, types.TXT, HTTPS])
async def test_nothing_that_leads_past_the_tunnel_or_hides_a_name(kind: int):
    reply = await ask("localhost", kind)
    assert (reply.response_code, reply.answers) == (response_codes.NOERROR, [])


@pytest.mark.parametrize(("error", "code"), [(socket.EAI_NONAME, "NXDOMAIN"), (socket.EAI_AGAIN, "SERVFAIL")])
async def test_what_can_not_be_resolved(monkeypatch: pytest.MonkeyPatch, error: int, code: str):
    def fail(*_: object, **_more: object) -> None:
        raise socket.gaierror(error, "no")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert (await ask("api.openai.com", types.A)).response_code == getattr(response_codes, code)
