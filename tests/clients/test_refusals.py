"""A refusal reaches the person at once: one request for each that a prompt makes, the message shown, the end not long after."""

import pytest

from tests.clients.bench import AT_ONCE, REFUSALS, SPEND_CAP, Bench, Refused
from tests.clients.client import Client
from tests.clients.clients import CLIENTS

# the spend cap is a column of the matrix
_CASES = [(client, refused) for client in CLIENTS for refused in REFUSALS if refused is not SPEND_CAP]


@pytest.mark.parametrize(("client", "refused"), _CASES, ids=lambda case: getattr(case, "name", str(case)))
def test_a_refusal_is_shown_at_once(clients: Bench, client: Client, refused: Refused):
    refusal = clients.refuse(client, client.ways[0], refused)
    assert (refusal.shown, refusal.few) == (True, True), refusal
    assert refusal.outcome.status != 0
    assert refusal.outcome.seconds < AT_ONCE
