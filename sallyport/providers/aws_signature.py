"""AWS Signature Version 4, by botocore's signer.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from sallyport.providers.signing import Outgoing

_PUT_IN = ("authorization", "x-amz-date", "x-amz-security-token")


def signature(keys: ReadOnlyCredentials, service: str, region: str, request: Outgoing) -> Mapping[str, str]:
    """Headers to put in. Signed are the host, the content type and all of AWS's headers, as AWS asks, and the body's hash."""
    address, _, query = request.url.partition("?")
    # Taken apart, the query is signed in AWS's spelling whatever the client's; the path goes in as it is on the wire, where
    # `:` and `%3A` are two.
    signed = AWSRequest(request.method, address, data=request.body, params=parse_qsl(query, keep_blank_values=True))
    for name, value in request.headers:
        if name.lower() == "content-type" or name.lower().startswith("x-amz"):
            signed.headers[name] = value
    SigV4Auth(keys, service, region).add_auth(signed)  # pyright: ignore[reportUnknownMemberType] - botocore is untyped
    return {name: str(signed.headers[name]) for name in _PUT_IN if name in signed.headers}
