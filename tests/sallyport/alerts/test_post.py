"""Where a webhook may lead, and what is said of one that can't be reached."""

from __future__ import annotations

import pytest

from sallyport.alerts.post import DeliveryError, Poster
from tests.sallyport.alerts.conftest import LOOPBACK, SETTINGS
from tests.sallyport.alerts.receiver import Receiver


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9/x", "https://localhost/x", "http://169.254.169.254/latest", "http://2130706433/", "http://[::1]/x"],
)
async def test_nothing_of_our_own_network_is_reached(url: str) -> None:
    poster = Poster(SETTINGS)
    with pytest.raises(DeliveryError, match="is not allowed"):
        await poster.check(url)
    with pytest.raises(DeliveryError, match="is not allowed"):
        await poster.post(url, b"{}", {})


async def test_not_even_the_gateway_itself_where_loopback_is_allowed() -> None:
    with pytest.raises(DeliveryError, match="is this gateway itself"):
        await Poster(LOOPBACK).post(f"http://127.0.0.1:{LOOPBACK.console.port}/v1/keys", b"{}", {})


async def test_no_redirect_is_followed(receiver: Receiver) -> None:
    receiver.statuses = [307]
    with pytest.raises(DeliveryError, match="answered 307"):
        await Poster(LOOPBACK).post(receiver.url, b"{}", {})
    assert len(receiver.got) == 1


async def test_an_error_names_the_host_and_nothing_else_of_the_url() -> None:
    for url in ("http://127.0.0.1:9/T000/secret-part", "https://no.such.host.invalid/T000/secret-part"):
        with pytest.raises(DeliveryError) as failed:
            await Poster(LOOPBACK).post(url, b"{}", {})
        assert "secret-part" not in str(failed.value)
