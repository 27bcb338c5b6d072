"""Short-lived keys of an assumed role, from AWS's Security Token Service.

Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from functools import partial
from urllib.parse import urlencode
from xml.etree import ElementTree

import requests
from botocore.credentials import ReadOnlyCredentials

from sallyport.providers.aws_signature import signature
from sallyport.providers.base import CredentialError, CredentialUnavailable, Upstream
from sallyport.providers.bedrock_keys import SECRET_NAME, BedrockKeys
from sallyport.providers.signing import Outgoing
from sallyport.providers.token_service import TIMEOUT, Lent, TokenService

_SESSION_NAME = "sallyport"
"""By which the role's calls are found in CloudTrail."""
_SECONDS = 3600
"""What every role allows; one role that assumes another gets no more either."""
_HEADERS = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
_XML = "{https://sts.amazonaws.com/doc/2011-06-15/}"
_PARTS = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
_ERROR_CODE = re.compile(r"[A-Za-z.]{1,60}")
_FOR_NOW = ("Throttling", "RequestLimitExceeded")


class AssumedRoles(TokenService[ReadOnlyCredentials]):
    async def keys(self, keys: BedrockKeys, region: str, endpoint: Upstream | None = None) -> ReadOnlyCredentials:
        """Of the role that `keys` name, by the token service of `region` or the one at `endpoint`. Raises CredentialError."""
        held = hashlib.sha256(keys.model_dump_json().encode()).digest()
        return await self.get((held, region, endpoint), partial(self._assume, keys, region, endpoint))

    def _assume(self, keys: BedrockKeys, region: str, endpoint: Upstream | None) -> Lent[ReadOnlyCredentials]:
        at = endpoint or Upstream("https", f"sts.{region}.amazonaws.com", 443)
        url, body = f"{at.scheme}://{at.authority}{at.prefix}/", _question(keys)
        own = ReadOnlyCredentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
        signed = signature(own, "sts", region, Outgoing("POST", url, tuple(_HEADERS.items()), body))
        try:
            with self.session(at.host) as session:
                answer = session.post(url, body, headers={**_HEADERS, **signed}, timeout=TIMEOUT, allow_redirects=False)
        except (requests.RequestException, OSError):  # OSError: the CA bundle can't be read
            raise CredentialUnavailable(f"AWS's token service can't be reached for {SECRET_NAME}") from None
        return _read(answer)


def _question(keys: BedrockKeys) -> bytes:
    fields = {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": keys.role_arn, "RoleSessionName": _SESSION_NAME}
    fields |= {"DurationSeconds": str(_SECONDS)} | ({"ExternalId": keys.external_id} if keys.external_id else {})
    return urlencode(fields).encode()


def _read(answer: requests.Response) -> Lent[ReadOnlyCredentials]:
    try:
        document = ElementTree.fromstring(answer.content)  # noqa: S314 - AWS's own, over verified TLS
    except ElementTree.ParseError:
        raise CredentialUnavailable(f"AWS's token service gave no answer for {SECRET_NAME} that can be read") from None
    if answer.status_code != 200:
        code = document.findtext(f".//{_XML}Code") or ""
        if answer.status_code >= 500 or code.startswith(_FOR_NOW):
            raise CredentialUnavailable(f"AWS's token service failed for {SECRET_NAME}")
        reason = f" ({code})" if _ERROR_CODE.fullmatch(code) else ""
        raise CredentialError(f"AWS lets the keys of {SECRET_NAME} not assume its role{reason}")
    found = {name: document.findtext(f".//{_XML}Credentials/{_XML}{name}") or "" for name in _PARTS}
    if not all(found.values()):
        raise CredentialUnavailable(f"AWS's token service gave no answer for {SECRET_NAME} that can be read")
    keys = ReadOnlyCredentials(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
    return Lent(keys, datetime.fromisoformat(found["Expiration"]).timestamp())
