"""Rules for credentials without a shape of their own: what stands around them tells."""

from __future__ import annotations

import base64
import re

from sallyport.redaction.detector import AnchoredDetector as Rule

# Between a word of the context and the value: an assignment in any notation, `name: X` / `value: Y` on two lines, a few words.
_GAP = r"[\s\S]{0,60}?(?:(?<![A-Za-z0-9+/_-])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"
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
    """Looks chosen or generated: a digit and a letter, and no call, path, template, identifier of the code or version."""
    if not _password(value) or not re.search(r"\d", value) or not re.search(r"[A-Za-z]", value) or _IDENTIFIER.fullmatch(value):
        return False
    if re.search(r"\w[(\[]|[<>{}]|^[\w.-]{0,200}/|^\.|://|^v?\d+(?:\.\d+)+", value):
        return False
    return re.fullmatch(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", value, re.IGNORECASE) is None


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


_HEX_VALUE = r"(?P<value>[0-9a-fA-F]{40}|[0-9a-fA-F]{32})(?![A-Za-z0-9_-])"
_AWS_VALUE = r"(?P<value>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"

RULES: tuple[Rule, ...] = (
    Rule("AWS_SECRET_ACCESS_KEY", ("secret",), rf"secret{_GAP}{_AWS_VALUE}", nocase=True, free=True, check=_aws_secret),
    Rule("AWS_SECRET_ACCESS_KEY", ("aws",), rf"aws{_GAP}{_AWS_VALUE}", nocase=True, free=True, check=_aws_secret),
    # The pair as it is pasted: the secret follows its id.
    Rule(
        "AWS_SECRET_ACCESS_KEY",
        ("A[KS]IA[A-Z0-9]{16}",),
        rf"A[KS]IA[A-Z0-9]{{16}}{_GAP}{_AWS_VALUE}",
        free=True,
        check=_aws_secret,
    ),
    Rule(
        "AWS_SESSION_TOKEN",
        ("session[_-]?token", "security[_-]token"),
        rf"(?:session|security)[_-]?token{_ASSIGN}(?P<value>[A-Za-z0-9+/%]{{80,4000}}+={{0,2}})",
        nocase=True,
        free=True,
    ),
    Rule(
        "DATADOG_API_KEY",
        ("datadog|ddog|dd[_-]",),
        rf"(?:datadog|ddog|dd)[\w .-]{{0,24}}?key{_GAP}{_HEX_VALUE}",
        nocase=True,
        free=True,
    ),
    Rule(
        "AZURE_STORAGE_KEY",
        ("acc(?:ount|ess)[ _-]?key", "azure[ _-]?storage", "storage[ _-](?:account[ _-])?key"),
        rf"[a-z _-]{{6,20}}{_GAP}(?P<value>[A-Za-z0-9+/]{{86}}==|[A-Za-z0-9+/]{{43}}=)(?![A-Za-z0-9+/=])",
        nocase=True,
        free=True,
    ),
    Rule(
        "AZURE_SAS_TOKEN",
        ("sig=",),
        r"sig=(?P<value>[A-Za-z0-9+/%]{40,120}+={0,2})",
        nocase=True,
        check=lambda v: "%" in v or "=" in v,
    ),
    Rule(
        "TWILIO_AUTH_TOKEN",
        ("twilio",),
        r"twilio[\s\S]{0,80}?(?:token|secret)[\s\S]{0,12}?(?<![A-Za-z0-9])(?P<value>[0-9a-f]{32})(?![A-Za-z0-9])",
        nocase=True,
        free=True,
    ),
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
