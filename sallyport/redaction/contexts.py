"""Rules for credentials without a shape of their own: what stands around them tells."""

from __future__ import annotations

import base64
import re

from sallyport.redaction.detector import AnchoredDetector as Rule
from sallyport.redaction.detector import NearDetector as Near

# What may stand between the name of a field and its value: `KEY=`, `"key": "`, `\"key\": \"`, `key => '`.
_ASSIGN = r"[\\\"'`\])]{0,6}[ \t]{0,8}(?:=>|:=|==?|:)[ \t]{0,8}[\\\"'`]{0,6}"


def _aws_secret(value: str) -> bool:
    """All three classes of characters, and not a path: 40 hex digits are a git commit."""
    return bool(re.search(r"[A-Z]", value) and re.search(r"[a-z]", value) and re.search(r"\d", value)) and value.count("/") <= 5


_NOT_PASSWORDS = frozenset(
    {"password", "passwd", "pass", "pwd", "secret", "user", "username", "token", "key", "string", "none", "null", "true", "false"}
)
_IDENTIFIER = re.compile(r"[A-Za-z]+(?:[_.-][A-Za-z]+)*[_.-]?\d{0,2}")
_TEMPLATE = re.compile(r"^(?:my|your|the|some|a)[-_]|^[$<{%\[(*]|^&[a-z]|\$\{|\{\{|%\(|^\.+$|^[x*]+$", re.IGNORECASE)


def _password(value: str) -> bool:
    """Not a word that stands for a password, nor a variable of a template."""
    return value.lower() not in _NOT_PASSWORDS and _TEMPLATE.search(value) is None


def _strong(value: str) -> bool:
    """Looks chosen or generated, and is no call, path, template, identifier of the code or version."""
    if not _password(value) or not re.search(r"[A-Za-z]", value) or not _is_mixed(value):
        return False
    if re.search(r"\w[(\[]|[<>{}]|^[\w.-]{0,200}/|^\.|://|^v?\d+(?:\.\d+)+", value):
        return False
    return re.fullmatch(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", value, re.IGNORECASE) is None


def _is_mixed(value: str) -> bool:
    """Has a digit where names have none, a sign with both cases, or cases that change at random."""
    if re.search(r"[a-z]", value) and re.search(r"[A-Z]", value):
        changes = len(re.findall(r"[a-z][A-Z]|[A-Z][a-z]", value))
        if re.search(r"[!@#%^*?~]", value) or (len(value) >= 20 and changes >= len(value) / 4):
            return True
    return re.search(r"\d", value) is not None and _IDENTIFIER.fullmatch(value) is None


def _credential(value: str) -> bool:
    """Follows `Authorization`, and is a credential rather than a word of the code or of the documentation."""
    if not _password(value) or _IDENTIFIER.fullmatch(value):
        return False
    return re.search(r"[\d+/=]", value) is not None or _names_user(value)


def _names_user(value: str) -> bool:
    """`user:password` in base64, which may happen to hold no digit."""
    try:
        return b":" in base64.b64decode(value, validate=True)
    except ValueError:
        return False


_START = r"(?:(?<![A-Za-z0-9+/_-])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"
_HEX = _START + r"(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{32})(?![A-Za-z0-9_-])"
_BASE64_40 = _START + r"[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
_BASE64_KEY = _START + r"(?:[A-Za-z0-9+/]{86}==|[A-Za-z0-9+/]{43}=)(?![A-Za-z0-9+/=])"

RULES: tuple[Rule, ...] = (
    Near("AWS_SECRET_ACCESS_KEY", ("secret", "aws"), "secret|aws", _BASE64_40, check=_aws_secret),
    # The pair as it is pasted: the secret follows its id.
    Near("AWS_SECRET_ACCESS_KEY", ("A[KS]IA[A-Z0-9]{16}",), r"\w{20}", _BASE64_40, nocase=False, check=_aws_secret),
    Rule(
        "AWS_SESSION_TOKEN",
        ("session[_-]?token", "security[_-]token"),
        rf"(?:session|security)[_-]?token{_ASSIGN}(?P<value>(?:[A-Za-z0-9+/]|%2[BF]){{80,4000}}+(?:=|%3D){{0,2}})",
        nocase=True,
        free=True,
    ),
    Near("DATADOG_API_KEY", ("datadog|ddog|dd[_-]",), r"(?:datadog|ddog|dd)(?:[\w .-]|:\s){0,24}?key", _HEX),
    Near(
        "AZURE_STORAGE_KEY",
        ("acc(?:ount|ess)[ _-]?key", "azure[ _-]?storage", "storage[ _-](?:account[ _-])?key"),
        "[a-z]{5,7}",
        _BASE64_KEY,
    ),
    Rule("AZURE_SAS_TOKEN", ("sig=",), r"sig=(?P<value>(?:[A-Za-z0-9+/]|%2[BF]){40,80}+(?:=|%3D){1,2})", nocase=True),
    Near("TWILIO_AUTH_TOKEN", ("twilio",), r"twilio[\s\S]{0,80}?(?:token|secret)", _HEX, reach=12),
    Rule("GCP_PRIVATE_KEY_ID", ("private_key_id",), rf"private_key_id{_ASSIGN}(?P<value>[0-9a-f]{{40}})", free=True),
    Rule(
        "NPM_TOKEN",
        ("_authtoken",),
        r"_authToken\s{0,3}=\s{0,3}[\"']?(?P<value>[A-Za-z0-9+/_=-]{20,300}+)",
        nocase=True,
        free=True,
    ),
    # The last `@` before the host ends the password, for people do not escape it.
    Rule(
        "PASSWORD",
        ("://",),
        r"://[^\s:/@\"'<>\\]{0,100}:(?P<value>[^\s\"'<>\\/]{1,200})@(?=[\w\[])",
        free=True,
        check=_password,
    ),
    Rule(
        "PASSWORD",
        ("p(?:assword|wd) ?=",),
        r"(?:pwd|password) ?= ?(?P<value>[^\s;\"'<>\\&]{3,128})"
        r"(?=;|[\"'\\]?\s*(?:$|[\"'\\])|\s+(?:host|user|dbname|port|sslmode)=)",
        nocase=True,
        free=True,
        check=_strong,
    ),
    Rule(
        "AUTHORIZATION",
        ("authorization",),
        rf"authorization(?:{_ASSIGN}|[\"'\\]{{0,4}}, {{0,2}}[\"'\\]{{0,4}})"
        r"(?:[a-z][a-z-]{2,15} {1,4})?(?P<value>[A-Za-z0-9._~+/-]{8,4000}+={0,2})",
        nocase=True,
        free=True,
        check=_credential,
    ),
    Rule(
        "AUTHORIZATION",
        ("bearer(?: |%20)",),
        r"bearer(?: {1,4}|%20)(?P<value>[A-Za-z0-9._~+/-]{20,4000}+={0,2})",
        nocase=True,
        check=_strong,
    ),
    # Fields that name a credential, with a value that looks like one.
    Rule(
        "PASSWORD",
        ("p(?:assword|asswd|assphrase|wd)",),
        rf"(?:password|passwd|pwd|passphrase){_ASSIGN}(?P<value>(?<==)[^\s\"'`\\,;&|]{{8,128}}+|(?<=[\"'`])[^\s\"'`\\]{{8,128}}+(?=[\"'`\\]))",
        nocase=True,
        free=True,
        check=_strong,
    ),
    Rule(
        "SECRET",
        (
            "secret",
            "api[_-]?(?:key|token)",
            "access[_-]?(?:key|token)",
            "auth[_-]?(?:key|token)",
            "refresh[_-]?token",
            "bot[_-]?token",
        ),
        rf"(?:secret(?:_?key)?|(?:access|auth|refresh|api|bearer|bot)[_-]?token|api[_-]?key|access_key|auth_key){_ASSIGN}"
        r"(?P<value>(?<==)[A-Za-z0-9_~+/.-]{16,300}+={0,2}|(?<=[\"'`])[A-Za-z0-9_~+/.-]{16,300}+={0,2}(?=[\"'`\\]))",
        nocase=True,
        free=True,
        check=_strong,
    ),
)
