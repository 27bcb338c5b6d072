from pathlib import Path

import pytest
from pydantic import ValidationError

from sallyport.settings import Address, Settings


def test_the_default_data_dir_is_in_the_home_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Settings().data_dir == tmp_path / ".sallyport"


@pytest.mark.parametrize(
    ("text", "host", "port"), [("127.0.0.1:80", "127.0.0.1", 80), ("[::1]:0", "::1", 0), ("gw:65535", "gw", 65535)]
)
def test_an_address_is_host_and_port(text: str, host: str, port: int):
    address = Address.parse(text)
    assert (address.host, address.port) == (host, port)
    assert str(address) == text


@pytest.mark.parametrize("text", ["", "8080", "host", "host:", "host:x", "host:70000", "u@host:1", "host:1/path"])
def test_what_is_no_address_is_named(text: str):
    with pytest.raises(ValueError, match="HOST:PORT"):
        Address.parse(text)


@pytest.mark.parametrize("url", ["ftp://h", "http://", "h:1", "http://h?x=1", "http://h:x"])
def test_an_upstream_that_is_no_base_url_is_refused_with_its_provider(url: str):
    with pytest.raises(ValidationError, match="openai"):
        Settings(upstreams={"openai": url})


def test_settings_reach_another_process_as_they_are():
    acme = {"base_url": "https://llm.acme.example", "secret": "ACME_KEY", "wire_formats": {"/v1": "openai"}}
    settings = Settings.model_validate(
        {
            "upstreams": {"openai": "http://127.0.0.1:1/x"},
            "allow_destinations": ["10.0.0.0/8"],
            "names": ["gw.example"],
            "providers": {"acme": acme},
        }
    )
    assert settings.providers["acme"].known_hosts == ("llm.acme.example",)
    assert Settings.model_validate_json(settings.model_dump_json()) == settings
