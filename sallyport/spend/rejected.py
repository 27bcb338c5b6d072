"""Calls that Redis can't settle though it is well: a key is not what it should be. A process tells each once, and counts them."""

from __future__ import annotations

import logging

from redis.exceptions import ResponseError

logger = logging.getLogger(__name__)

_STATES = (
    *("BUSY", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "MISCONF", "NOREPLICAS", "OOM", "READONLY", "TRYAGAIN"),
    *("ASK", "MOVED", "NOAUTH", "NOPERM", "WRONGPASS", "max number of clients"),
)
"""How errors begin that are about the server's state, or about who asks."""
_MOST = 100_000
_told: dict[str, None] = {}


def is_rejection(error: Exception) -> bool:
    """The server is well and can't run the script. It would not be able to another time either."""
    if type(error) is not ResponseError:  # redis-py has classes of its own for most states
        return False
    return not str(error).removeprefix("ERR ").startswith(_STATES)


def tell(call_id: str, organization_id: str | None, error: Exception) -> None:
    """Once for each call."""
    if call_id not in _told and len(_told) < _MOST:
        _told[call_id] = None
        logger.error(
            "Redis rejects the settlement of call %s (organization %s): %s. Its journal keeps it until the ledger has it; what "
            "counters lack then, `spend reconcile --repair` or the night sets right",
            *(call_id, organization_id, error),
        )


def count() -> int:
    """How many there were in this process."""
    return len(_told)
