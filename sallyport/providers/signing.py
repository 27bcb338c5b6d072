"""Credentials that never leave the gateway: each request is signed with them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from sallyport.providers.base import Upstream
from sallyport.secret import Secret


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request as it leaves: nothing that its signature covers may change any more."""

    method: str
    url: str
    """As on the wire, the host's port only where it isn't the scheme's own."""
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Signer(ABC):
    """A vendor's way to sign."""

    @abstractmethod
    async def sign(self, secret: Secret, request: Outgoing, token_endpoint: Upstream | None = None) -> Mapping[str, str]:
        """Headers that sign the request. `token_endpoint`: as for `Provider.authorize`, which says what is raised too."""
