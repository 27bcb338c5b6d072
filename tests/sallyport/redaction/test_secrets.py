"""Every kind of secret goes as a whole in every context; what only looks like one stays."""

import hashlib
import json
import time
import uuid
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.redaction.detector import Haystack
from sallyport.redaction.scan import scan
from sallyport.redaction.secrets import find_secrets
from tests.sallyport.redaction.samples import CONTEXTS, IN_CONTEXT, TOKENS, private_key, some


def found(text: str) -> list[tuple[str, str]]:
    return [(finding.category, text[finding.start : finding.end]) for finding in find_secrets(Haystack(text))]


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("kind", TOKENS)
def test_token_is_found_whole(kind: str, context: str) -> None:
    category, make = TOKENS[kind]
    for _ in range(3):
        secret = make()
        text = CONTEXTS[context].format(secret)
        assert found(text) == [(category, secret)]


@pytest.mark.parametrize("kind", IN_CONTEXT)
def test_secret_is_known_by_its_context(kind: str) -> None:
    category, context, make = IN_CONTEXT[kind]
    for _ in range(5):
        secret = make()
        assert found(context.format(secret)) == [(category, secret)]


def crlf(text: str) -> str:
    return text.replace("\n", "\r\n")


def json_twice(text: str) -> str:
    return json.dumps(json.dumps(text))


ENCODINGS: list[Callable[[str], str]] = [str, crlf, json.dumps, json_twice]


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
@pytest.mark.parametrize("encode", ENCODINGS)
def test_private_key_goes_from_begin_to_end(kind: str, encode: Callable[[str], str]) -> None:
    text = f"before {encode(private_key(kind))} after"
    ((category, value),) = found(text)
    assert category == "PRIVATE_KEY"
    assert value.startswith("-----BEGIN")
    assert value.endswith("KEY-----")


def test_private_key_without_its_end_goes_as_far_as_it_reaches() -> None:
    key = private_key().rsplit("\n", 1)[0]
    ((category, value),) = found(f"{key}\n(output cut off, see the log)")
    assert category == "PRIVATE_KEY"
    assert value.startswith(key)
    assert "output" not in value


def test_two_private_keys_are_two() -> None:
    assert [category for category, _ in found(f"{private_key()}\n{private_key('EC ')}")] == ["PRIVATE_KEY"] * 2


HEX40 = hashlib.sha1(b"x", usedforsecurity=False).hexdigest()
HARMLESS = {
    "uuid": str(uuid.UUID(int=0x1234567890ABCDEF1234567890ABCDEF)),
    "git log": f"commit {HEX40}\nAuthor: x\n\n    Rotate the secret key",
    "sha256": f"sha256:{hashlib.sha256(b'x').hexdigest()}",
    "lock file": f'"integrity": "sha512-{some("abcdefABCDEF0123456789+/", 86)}=="',
    "requirements": f"requests==2.32.3 --hash=sha256:{hashlib.sha256(b'y').hexdigest()}",
    "etag": f'ETag: W/"{HEX40[:32]}"',
    "epoch": "created_at: 1700000000, expires: 1800000000000",
    "openai docs": "export OPENAI_API_KEY=sk-...",
    "anthropic docs": "sk-ant-api03-" + "x" * 40,
    "aws docs": "AWS_ACCESS_KEY_ID=AKIA" + "IOSFODNN7EXAMPLE",
    "aws docs secret": "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY",
    "your key": "api_key: <your-api-key-12345678901234567890>",
    "template": "password: ${DB_PASSWORD_1} and {{ secrets.GITHUB_TOKEN_2 }} and Bearer $TOKEN",
    "url docs": "postgres://user:password@localhost:5432/db and https://user:pass@example.com",
    "code": "password = config.get('password')\ntoken = generate_token2(secret_key)\napi_key = os.environ['API_KEY']",
    "type": "def login(password: str, token: Optional[str] = None, authorization: Optional2 = None): ...",
    "words": "task-management-and-risk-assessment-for-disk-encryption-in-desk-organisation",
    "css": ".sk-circle-fade-dot, .sk-cube-grid-item-with-a-very-long-name-indeed { color: red }",
    "slug": "https://example.com/posts/sk-proj-how-to-use-project-keys-in-your-application",
    "public key": "-----BEGIN PUBLIC KEY-----\n" + some("abcDEF123+/", 64) + "\n-----END PUBLIC KEY-----",
    "certificate": "-----BEGIN CERTIFICATE-----\n" + some("abcDEF123+/", 64) + "\n-----END CERTIFICATE-----",
    "drawing of a key": "-----BEGIN PRIVATE " + "KEY-----\n...\n-----END PRIVATE " + "KEY-----",
    "basic auth docs": "WWW-Authenticate: Basic realm=x; the Authorization: header carries Basic authentication",
    "publishable": "pk_live_" + some("abcDEF123", 24),
    "json schema": '{"api_key": {"type": "string", "description": "The API key"}, "max_tokens": 1024}',
    "base64": some("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/", 5_000),
    "minified": "function a(b){return b.token&&c.secret?d(b.password,1):e}var key='ab',pwd=f(2);",
    "aria": "aria-label='secret santa' data-key=12",
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_looks_like_a_secret_stays(name: str) -> None:
    assert found(HARMLESS[name]) == []


@given(st.text())
def test_no_text_breaks_a_rule(text: str) -> None:
    find_secrets(Haystack(text))


@pytest.mark.parametrize(
    "unit",
    [
        *(
            "eyJ",
            "eyJ-",
            "sk-",
            "secret=",
            "'",
            '"',
            "://a:",
            "Bearer ",
            "glpat-",
            "dd_key ",
            "aws ",
            "Authorization: ",
            "password=",
        ),
        *("xoxb-", "AccountKey ", "ghs_1_eyJaaaaaaaa.", "key=", "-----BEGIN ", "-----BEGIN PRIVATE " + "KEY-----\n"),
    ],
)
def test_time_is_linear_in_hostile_text(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    began = time.process_time()
    find_secrets(Haystack(text))
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize("filler", ["x = f(y)\n", "word ", "0a1b2c3d"])
def test_long_texts_are_scanned_in_windows_and_nothing_is_lost_between(filler: str) -> None:
    secrets = [private_key() if number % 3 == 0 else TOKENS["anthropic"][1]() for number in range(40)]
    text = "".join(f"{filler * (9_973 // len(filler) + number)} {secret} " for number, secret in enumerate(secrets))
    found = scan(text, pii=True, secrets=True)
    assert [text[finding.start : finding.end] for finding in found] == secrets


def test_secret_among_many_lines_is_found_where_it_stands() -> None:
    lines = [f"value_{number} = {number / 7}" for number in range(2_000)]
    secret = TOKENS["github classic"][1]()
    lines[1_234] = f"token = '{secret}'"
    assert found("\n".join(lines)) == [("GITHUB_PAT", secret)]
