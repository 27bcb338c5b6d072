"""Access tokens for Vertex AI, minted by google-auth from what the secret says, off the event loop."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Any, cast

import orjson
from google.auth.exceptions import GoogleAuthError, OAuthError, RefreshError, TransportError
from google.auth.transport.requests import Request

from sallyport.providers.base import CredentialError, CredentialUnavailable, Upstream
from sallyport.providers.token_service import TIMEOUT, Lent, TokenService
from sallyport.providers.vertex_account import SECRET_NAME, google_credentials
from sallyport.secret import Secret

_ERROR_CODE = re.compile(r"[a-z_]{1,40}")


class VertexTokens(TokenService[str]):
    """One access token per account."""

    token_files: tuple[Path, ...] = ()
    """Where a workload identity's own token may lie."""

    async def token(self, secret: Secret, endpoint: Upstream | None = None) -> str:
        """By Google's endpoints, or by those at `endpoint`. Raises CredentialError without a word of the secret."""
        key = hashlib.sha256(secret.reveal().encode()).digest()
        return await self.get((key, endpoint), partial(self._mint, secret, endpoint))

    def _mint(self, secret: Secret, endpoint: Upstream | None) -> Lent[str]:
        credentials: Any = google_credentials(secret, endpoint, self.token_files)
        try:
            with self.session(endpoint.host if endpoint else "oauth2.googleapis.com") as session:
                credentials.refresh(partial(Request(session), timeout=TIMEOUT))
        except (TransportError, OSError):  # OSError: the CA bundle can't be read
            raise CredentialUnavailable(f"Google's token endpoint can't be reached for {SECRET_NAME}") from None
        except RefreshError as error:
            if error.retryable:  # pyright: ignore[reportUnknownMemberType] - google-auth is untyped
                raise CredentialUnavailable(f"Google's token endpoint failed for {SECRET_NAME}") from None
            raise CredentialError(f"{SECRET_NAME} was refused by Google{_reason(error)}") from None
        except OAuthError as error:  # the exchange of a workload's token; what is no OAuth error is no word about the token
            if reason := _reason(error):
                raise CredentialError(f"{SECRET_NAME} was refused by Google{reason}") from None
            raise CredentialUnavailable(f"Google's token endpoint failed for {SECRET_NAME}") from None
        except GoogleAuthError:
            raise CredentialError(f"{SECRET_NAME} can't be used to sign in to Google") from None
        return Lent(credentials.token, credentials.expiry.replace(tzinfo=UTC).timestamp())


def _reason(error: GoogleAuthError) -> str:
    """Google's error code (`invalid_grant`), where the answer has one."""
    details: Any = error.args[1] if len(error.args) > 1 else None
    if isinstance(details, str):
        try:
            details = orjson.loads(details)
        except orjson.JSONDecodeError:
            return ""
    code = cast(dict[str, Any], details).get("error") if isinstance(details, dict) else None
    return f" ({code})" if isinstance(code, str) and _ERROR_CODE.fullmatch(code) else ""
