"""AWS's Security Token Service: AssumeRole, for who signs with the keys that are known here.

Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

from __future__ import annotations

import secrets
import uuid
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from starlette.responses import Response

from sallyport.standin.aws_signature import check_signature, temporary_secret, temporary_token
from sallyport.standin.script import Refusal
from sallyport.standin.wire import Call

EXTERNAL_ID = "partner-7"
"""Without which nobody may assume the role `partner`. `denied` nobody may assume at all."""
_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"


def is_assume_role(call: Call) -> bool:
    return call.method == "POST" and call.path == "/" and b"Action=AssumeRole" in call.body


def assume_role(call: Call) -> Response:
    try:
        check_signature(call, "sts")
        return _lend({name: values[0] for name, values in parse_qs(call.body.decode()).items()})
    except Refusal as refusal:
        error = f"<Type>Sender</Type><Code>{refusal.code}</Code><Message>{escape(refusal.message)}</Message>"
        return _answer("ErrorResponse", f"<Error>{error}</Error><RequestId>{uuid.uuid4()}</RequestId>", refusal.status)


def _lend(form: dict[str, str]) -> Response:
    role, session = form["RoleArn"], form["RoleSessionName"]
    name = role.rpartition("/")[2]
    if name == "denied" or (name == "partner" and form.get("ExternalId") != EXTERNAL_ID):
        message = (
            f"User: arn:aws:iam::123456789012:user/stand-in is not authorized to perform: sts:AssumeRole on resource: {role}"
        )
        raise Refusal(403, message, "AccessDenied")
    key_id = f"ASIA{secrets.token_hex(8).upper()}"
    expires = datetime.now(UTC) + timedelta(seconds=int(form.get("DurationSeconds", "3600")))
    keys = {
        "AccessKeyId": key_id,
        "SecretAccessKey": temporary_secret(key_id),
        "SessionToken": temporary_token(key_id),
        "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    user = f"<AssumedRoleId>AROASTANDIN:{session}</AssumedRoleId><Arn>{role.replace(':role/', ':assumed-role/')}/{session}</Arn>"
    credentials = "".join(f"<{tag}>{value}</{tag}>" for tag, value in keys.items())
    result = f"<AssumedRoleUser>{user}</AssumedRoleUser><Credentials>{credentials}</Credentials>"
    metadata = f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
    return _answer("AssumeRoleResponse", f"<AssumeRoleResult>{result}</AssumeRoleResult>{metadata}", 200)


def _answer(root: str, content: str, status: int) -> Response:
    return Response(f'<{root} xmlns="{_NAMESPACE}">{content}</{root}>', status, media_type="text/xml")
