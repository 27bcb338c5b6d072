import time
from email.utils import formatdate

import pytest

from addons.key_pool import rest_seconds


@pytest.mark.parametrize(
    ("status", "retry_after", "seconds"),
    [
        (401, None, 600),
        (429, None, 30),
        (429, "7", 7),
        (429, "0.2", 1),
        (429, "86400", 600),
        (429, "-5", 1),
        (429, "nan", 30),
        (429, "soon", 30),
        (403, "7", None),
        (503, "7", None),
        (200, None, None),
    ],
)
def test_how_long_a_key_rests(status: int, retry_after: str | None, seconds: float | None) -> None:
    assert rest_seconds(status, {} if retry_after is None else {"retry-after": retry_after}) == seconds


def test_a_date_says_when() -> None:
    seconds = rest_seconds(429, {"retry-after": formatdate(time.time() + 100, usegmt=True)})
    assert seconds is not None
    assert 90 < seconds <= 100


def test_what_aws_says_against_a_key() -> None:
    assert rest_seconds(403, {"x-amzn-errortype": "UnrecognizedClientException:http://internal.amazon.com/coral/"}) == 600
    assert rest_seconds(403, {"x-amzn-errortype": "AccessDeniedException"}) is None
