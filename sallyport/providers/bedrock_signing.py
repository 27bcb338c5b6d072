"""Signs requests to Bedrock with the workspace's access keys, or with those of the role they assume."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from botocore.credentials import ReadOnlyCredentials

from sallyport.providers.aws_signature import signature
from sallyport.providers.base import Upstream
from sallyport.providers.bedrock_keys import BedrockKeys
from sallyport.providers.bedrock_role import AssumedRoles
from sallyport.providers.signing import Outgoing, Signer
from sallyport.secret import Secret

_REGION = re.compile(r"bedrock(?:-runtime)?(?:-fips)?\.([a-z]{2}(?:-[a-z]+)+-[0-9]+)\.(?:vpce\.)?amazonaws\.com")
_LARGE = 1024 * 1024
"""Bytes of a body whose hash takes longer than the event loop should wait."""


class BedrockSigner(Signer):
    def __init__(self) -> None:
        self.region = "us-east-1"
        """Where neither the host nor the secret says one."""
        self.roles = AssumedRoles()

    async def sign(self, secret: Secret, request: Outgoing, token_endpoint: Upstream | None = None) -> Mapping[str, str]:
        keys = BedrockKeys.of(secret)
        found = _REGION.search(urlsplit(request.url).hostname or "")
        region = found[1] if found else keys.region or self.region
        used = ReadOnlyCredentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
        if keys.role_arn:
            used = await self.roles.keys(keys, keys.region or region, token_endpoint)
        if len(request.body) > _LARGE:
            return await asyncio.to_thread(signature, used, "bedrock", region, request)
        return signature(used, "bedrock", region, request)
