"""What follows on connections that came without a CONNECT."""

import pytest
from mitmproxy.connection import Client
from mitmproxy.options import Options
from mitmproxy.proxy import commands, events, layer, layers
from mitmproxy.proxy.context import Context

from sallyport.proxy.next_layer import GatewayNextLayer
from sallyport.proxy.socks5 import GatewaySocks5
from sallyport.settings import Settings


def next_layer(mode: type[layer.Layer], settings: Settings, said: bytes, address: str = "192.0.2.1") -> layer.Layer:
    context = Context(Client(peername=("10.0.0.1", 1), sockname=("10.0.0.2", 2), timestamp_start=0.0), Options())
    context.server.address = (address, 443)
    mode(context)
    found = GatewayNextLayer(settings)._next_layer(context, said, b"")  # pyright: ignore[reportPrivateUsage]
    assert found is not None
    return found


def hangs_up(found: layer.Layer) -> bool:
    return any(isinstance(command, commands.CloseConnection) for command in found.handle_event(events.Start()))


@pytest.mark.parametrize("said", [b"SSH-2.0-x", b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"])
@pytest.mark.parametrize(
    ("mode", "tunnel", "refused"),
    [
        (layers.modes.TransparentProxy, "allow", False),
        (layers.modes.TransparentProxy, "refuse", True),
        (GatewaySocks5, "allow", True),  # nobody asked whether this one may
    ],
)
def test_a_setting_refuses_what_is_no_providers(mode: type[layer.Layer], tunnel: str, refused: bool, said: bytes):
    found = next_layer(mode, Settings.model_validate({"tunnel": tunnel}), said)
    assert isinstance(found, layers.TCPLayer) is not refused
    assert not refused or hangs_up(found)


def test_a_provider_is_served_in_any_case():
    found = next_layer(GatewaySocks5, Settings(tunnel="refuse"), b"POST / HTTP/1.1\r\n\r\n", "api.openai.com")
    assert not hangs_up(found)
