"""What a declaration may say, and how its mistakes are told."""

from typing import Any

import pytest
from pydantic import ValidationError

from sallyport.declaration import Declaration

WHOLE: dict[str, Any] = {"base_url": "https://llm.acme.example", "secret": "ACME_KEY", "wire_formats": {"/v1": "openai"}}


def test_few_lines_are_enough():
    declared = Declaration.model_validate(WHOLE)
    assert (declared.auth, declared.free, declared.listed_as) == ("bearer", False, None)
    assert declared.known_hosts == ("llm.acme.example",)


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8000", "http://[::1]:8000", "http://localhost:11434", "http://10.0.0.5"])
def test_an_address_of_ones_own_is_no_host_name_in_proxy_mode(base_url: str):
    assert Declaration.model_validate(WHOLE | {"base_url": base_url}).known_hosts == ()


def test_further_hosts_are_known_by():
    declared = Declaration.model_validate(WHOLE | {"hosts": ["*.acme.example", "llm.acme.example"]})
    assert declared.known_hosts == ("llm.acme.example", "*.acme.example")


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("base_url", "llm.acme.example", r"must be http\(s\)://HOST"),
        ("base_url", "https://u:p@llm.acme.example", r"must be http\(s\)://HOST"),
        ("base_url", "https://llm.acme.example/v1", "its path goes into wire_formats"),
        ("base_url", "https://llm.acme.example:x", "is no URL"),
        ("hosts", ["*"], "is no host name"),
        ("hosts", ["*.com"], "is no host name"),
        ("hosts", ["api.*.example"], "is no host name"),
        ("hosts", ["API.acme.example"], "is no host name in lower case"),
        ("hosts", ["10.0.0.5"], "is no host name"),
        ("secret", "acme-key", "is no name of a secret"),
        ("secret", None, "name the secret that holds the credential"),
        ("auth", "none", "name the secret that holds the credential"),
        ("wire_formats", {}, "at least 1"),
        ("wire_formats", {"v1": "openai"}, "is no path prefix"),
        ("wire_formats", {"/v1/": "openai"}, "is no path prefix"),
        ("wire_formats", {"/../v1": "openai"}, "is no path prefix"),
        ("wire_formats", {"/{id}": "openai"}, "is no path prefix"),
        ("headers", {"x-a": "b\r\nx-c: d"}, "is no header"),
        ("headers", {"x a": "b"}, "is no header"),
        ("price", 1, "Extra inputs"),
    ],
)
def test_a_mistake_is_named(field: str, value: object, complaint: str):
    with pytest.raises(ValidationError, match=complaint):
        Declaration.model_validate(WHOLE | {field: value})
