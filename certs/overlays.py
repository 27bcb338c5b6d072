"""What `exec` gives a client beside the proxy's variables, so that it starts at once and keeps its user's own files.

A client without a provider key gets something in its place; one whose log-in only a file decides gets that for this run alone: Codex
as arguments, Gemini CLI as a settings file of ours that a variable of its own names. No file of the user's is written.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from certs.files import write
from certs.recipes import credentials

_DUMMY = "kept-in-the-gateway"  # a client's check that it has a key passes; the gateway puts the real one in its place

_CODEX_PROVIDER = {
    "model_provider": '"sallyport"',
    "model_providers.sallyport": (  # named so, it is treated as OpenAI itself
        '{name="OpenAI",base_url="https://api.openai.com/v1",env_key="CODEX_API_KEY",wire_api="responses",supports_websockets=true}'
    ),
}
_GEMINI_SETTINGS = "GEMINI_CLI_SYSTEM_SETTINGS_PATH"
_GEMINI_SYSTEM_SETTINGS = "/etc/gemini-cli/settings.json"
_GEMINI_OTHER_LOGINS = ("GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_GCA")


@dataclass(frozen=True, slots=True)
class Overlay:
    """`arguments` come right after the command's name."""

    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command. `present` is its environment, `directory` a place for files of ours."""

    present: Mapping[str, str]
    directory: Path
    asks: bool
    """There is a terminal, so that the client can ask its user."""


def overlay(command: str, run: Run) -> Overlay:
    """For the program that `command` names. Raises CertificateError where a file can't be written."""
    dummies = credentials(_DUMMY, run.present)
    special = _SPECIAL.get(Path(command).name)
    return special(dummies, run) if special else Overlay(dummies)


def _claude(dummies: dict[str, str], run: Run) -> Overlay:
    """It would ask the person to approve an API key; a token it just takes."""
    if dummies.pop("ANTHROPIC_API_KEY", None):
        dummies["ANTHROPIC_AUTH_TOKEN"] = run.present.get("ANTHROPIC_AUTH_TOKEN", _DUMMY)
    return Overlay(dummies)


def _codex(dummies: dict[str, str], run: Run) -> Overlay:
    """Its full-screen mode wants a log-in, unless the provider is one that has its key in a variable."""
    config = Path(run.present.get("CODEX_HOME") or Path(run.present.get("HOME", "~")) / ".codex") / "config.toml"
    settings = _parsed(config, tomllib.loads)
    if settings is None or "model_provider" in settings:
        return Overlay(dummies)  # the user's own choice
    arguments = tuple(part for name, value in _CODEX_PROVIDER.items() for part in ("-c", f"{name}={value}"))
    return Overlay(dummies, arguments)


def _gemini(dummies: dict[str, str], run: Run) -> Overlay:
    """A Google log-in in the user's settings wins over a key, the system's settings win over both: ours hold all of theirs."""
    dummies.pop("GOOGLE_API_KEY", None)  # of two keys it would complain
    if not run.asks:
        dummies["GEMINI_CLI_TRUST_WORKSPACE"] = run.present.get("GEMINI_CLI_TRUST_WORKSPACE", "true")  # else it refuses to start
    settings = _parsed(Path(run.present.get(_GEMINI_SETTINGS, _GEMINI_SYSTEM_SETTINGS)), json.loads)
    if settings is not None and not any(run.present.get(name) == "true" for name in _GEMINI_OTHER_LOGINS):
        settings.setdefault("security", {}).setdefault("auth", {}).setdefault("selectedType", "gemini-api-key")
        ours = run.directory / "gemini-cli.json"
        write(ours, json.dumps(settings, indent=2).encode())
        dummies[_GEMINI_SETTINGS] = str(ours)
    return Overlay(dummies)


def _parsed(path: Path, parse: Callable[[str], Any]) -> dict[str, Any] | None:
    """A settings file's content, empty where there is no such file; None where we can't read what its client perhaps can."""
    try:
        return dict(parse(path.expanduser().read_text()))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError):
        return None


_SPECIAL: Mapping[str, Callable[[dict[str, str], Run], Overlay]] = MappingProxyType(
    {"claude": _claude, "codex": _codex, "gemini": _gemini}
)
