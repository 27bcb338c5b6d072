import json
from pathlib import Path

import pytest

from sallyport.cli.configuration import load_settings
from sallyport.cli.flags import FILE_ONLY, FLAGS
from sallyport.settings import SettingError, Settings


def acme(name: str = "acme", **fields: object) -> str:
    """A config file with one declared provider."""
    fields = {"wire_formats": {"/v1": "openai"}, **fields}
    lines = [f"{key} = {_toml(value)}" for key, value in fields.items() if value is not None]
    return "\n".join([f"[providers.{name}]", *lines])


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f'"{key}" = "{text}"' for key, text in value.items()) + " }"  # pyright: ignore[reportUnknownVariableType]
    return json.dumps(value)


def test_every_setting_is_a_flag():
    assert {flag.field for flag in FLAGS} | set(FILE_ONLY) == set(Settings.model_fields)


def test_flag_beats_environment_beats_file(tmp_path: Path):
    file = tmp_path / "gateway.toml"
    file.write_text('workers = 3\nlisten = "127.0.0.1:1"\nconsole = "127.0.0.1:1"\ntunnel = "refuse"\n')
    environ = {"SALLYPORT_CONFIG": str(file), "SALLYPORT_LISTEN": "127.0.0.1:2", "SALLYPORT_CONSOLE": "127.0.0.1:2"}
    settings = load_settings({"console": "127.0.0.1:3"}, environ)
    assert (settings.workers, settings.tunnel) == (3, "refuse")
    assert (str(settings.listen), str(settings.console)) == ("127.0.0.1:2", "127.0.0.1:3")


def test_an_empty_variable_counts_as_not_set():
    assert load_settings({}, {"SALLYPORT_REDIS_URL": "", "SALLYPORT_WORKERS": ""}).redis_url is None


@pytest.mark.parametrize(
    ("given", "environ", "toml"),
    [
        ({"upstreams": ("openai=http://a:1", "gemini=https://b/x")}, {}, ""),
        ({}, {"SALLYPORT_UPSTREAM": "openai=http://a:1,gemini=https://b/x"}, ""),
        ({}, {"SALLYPORT_UPSTREAM": " openai=http://a:1  gemini=https://b/x "}, ""),
        ({}, {}, '[upstream]\nopenai = "http://a:1"\ngemini = "https://b/x"'),
        ({}, {}, 'upstream = ["openai=http://a:1", "gemini=https://b/x"]'),
    ],
)
def test_upstreams_come_in_every_form(given: dict[str, object], environ: dict[str, str], toml: str, tmp_path: Path):
    file = tmp_path / "gateway.toml"
    file.write_text(toml)
    settings = load_settings({"config": str(file), **given}, environ)
    assert settings.upstreams == {"openai": "http://a:1", "gemini": "https://b/x"}


def test_lists_switches_and_files_from_the_environment(tmp_path: Path):
    environ = {
        "SALLYPORT_NAMES": "gateway.corp.test, 10.0.0.1",
        "SALLYPORT_MODE": "local:curl,wget transparent@8082",
        "SALLYPORT_CHALLENGE_PROVIDERS": "true",
        "SALLYPORT_UPSTREAM_CA": "~/roots.pem",
    }
    settings = load_settings({}, environ)
    assert settings.names == ("gateway.corp.test", "10.0.0.1")
    assert settings.modes == ("local:curl,wget", "transparent@8082")
    assert settings.challenge_providers
    assert settings.upstream_ca == Path("~/roots.pem").expanduser()


def test_dashes_are_underscores_in_the_file(tmp_path: Path):
    file = tmp_path / "gateway.toml"
    file.write_text("lease-seconds = 12.5\n")
    assert load_settings({"config": str(file)}, {}).lease_seconds == 12.5


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('lisen = "x:1"', r"unknown key 'lisen'; did you mean 'listen'\?"),
        ("[server]\nport = 1", "unknown key 'server'"),
        ("workers = 1 2", "is not valid TOML: .*line 1"),
        ("workers = 0", "workers in .*: 0: input should be greater than or equal to 1"),
        ('log_level = "loud"', "log_level in .*'loud'"),
        ("redis_url = 6379", "redis_url in .*: input should be a valid string"),
        ('[upstream]\nacme = "http://a"', "'acme' is no provider; known are anthropic, .*, groq, "),
        ("providers = 3", "providers in .*: input should be a valid dictionary"),
        (acme(auth="none", base="x"), "providers.acme.base in .*: is not known; the keys are base_url, hosts, "),
        (acme(auth="none", wire_formats=None), "providers.acme.wire_formats in .*: is missing"),
        (acme(auth="basic"), "providers.acme.auth in .*: 'basic': input should be 'bearer', 'x-api-key'"),
        (acme(), 'providers.acme in .*: secret: name the secret .*, or say auth = "none"'),
        (acme(auth="none", wire_formats={"/v1": "opanai"}), "providers.acme.wire_formats: 'opanai' is no wire format; .*openai"),
        (
            '[redaction_rules.TICKET]\nregex = "("',
            "redaction_rules.TICKET.regex in .*: is not a regular expression that RE2 takes",
        ),
        (
            '[redaction_rules.TICKET]\nregex = "a"\nkeyword = "a"',
            "redaction_rules.TICKET.keyword in .*: is not known; the keys are regex, keywords",
        ),
        ("[redaction_rules.ticket]\nregex = 'a'", "redaction_rules in .*: 'ticket' is no category"),
        (acme("openai", auth="none"), "providers.openai takes the name of another"),
        (acme("Acme", auth="none"), "'Acme' is no name of a provider"),
        (acme(auth="none", hosts=["api.openai.com"]), "providers.acme takes a host of openai, 'api.openai.com'"),
    ],
)
def test_a_wrong_file_is_told_by_key(toml: str, message: str, tmp_path: Path):
    file = tmp_path / "gateway.toml"
    file.write_text(toml)
    with pytest.raises(SettingError, match=message):
        load_settings({"config": str(file)}, {})


@pytest.mark.parametrize(
    ("given", "environ", "message"),
    [
        ({"listen": "8080"}, {}, "--listen: '8080' is not HOST:PORT"),
        ({}, {"SALLYPORT_LISTEN": "127.0.0.1:99999"}, "SALLYPORT_LISTEN: '127.0.0.1:99999' is not HOST:PORT"),
        ({"upstreams": ("openai",)}, {}, "--upstream: 'openai' is not PROVIDER=URL"),
        ({"upstreams": ("openai=ftp://x",)}, {}, "--upstream: the base URL of openai must be"),
        ({"allow_destinations": ("10.0.0.1/8",)}, {}, "--allow-destination: 10.0.0.1/8 has host bits set"),
        ({"undecrypted": ("chatgtp",)}, {}, "--undecrypted: 'chatgtp' is neither a provider nor a provider's host"),
        ({"upstreams": ("stss=http://a",)}, {}, "--upstream: 'stss' is no provider; known are .*sts"),
        ({"names": ("gateway.corp.test", "bad_name!")}, {}, "--names: 'bad_name!' is neither a host name nor an IP address"),
        ({}, {"SALLYPORT_NAMES": "-x"}, "SALLYPORT_NAMES: '-x' is neither"),
        ({}, {"SALLYPORT_REDIS_URL": "localhost:6379"}, "SALLYPORT_REDIS_URL: must be a URL such as redis://HOST:6379/0"),
        ({"redis_url": "redis://host:port"}, {}, "--redis-url: must be a URL"),
        ({"redis_url": "unix://"}, {}, "--redis-url: must be a URL"),
        ({"config": "/no/such/file"}, {}, "--config: /no/such/file can't be read: No such file"),
    ],
)
def test_a_wrong_value_is_told_by_the_name_that_was_used(given: dict[str, object], environ: dict[str, str], message: str):
    with pytest.raises(SettingError, match=message):
        load_settings(given, environ)


def test_a_url_with_a_password_is_not_repeated():
    with pytest.raises(SettingError) as error:
        load_settings({"redis_url": "http://user:hunter2@redis:6379"}, {})
    assert "--redis-url" in str(error.value)
    assert "hunter2" not in str(error.value)


def test_a_provider_of_the_operators_own(tmp_path: Path):
    file = tmp_path / "gateway.toml"
    file.write_text('upstream = ["acme=http://127.0.0.1:1"]\n' + acme(base_url="https://llm.acme.example", secret="ACME_KEY"))
    settings = load_settings({"config": str(file)}, {"SALLYPORT_PROVIDERS": "no variable"})
    assert settings.providers["acme"].base_url == "https://llm.acme.example"
    assert settings.upstreams == {"acme": "http://127.0.0.1:1"}
