"""What `exec` gives a client beside the proxy's variables, so that it starts at once and keeps its user's own files.

A client without a provider key gets something in its place; Codex, which asks for a log-in nevertheless, gets a provider by
arguments, for this run alone. No file of the user's is written.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from certs.recipes import credentials

_DUMMY = "kept-in-the-gateway"  # a client's check that it has a key passes; the gateway puts the real one in its place

_CODEX_PROVIDER = {
    "model_provider": '"sallyport"',
    "model_providers.sallyport": (  # named so, it is treated as OpenAI itself
        '{name="OpenAI",base_url="https://api.openai.com/v1",env_key="CODEX_API_KEY",wire_api="responses",supports_websockets=true}'
    ),
}


@dataclass(frozen=True, slots=True)
class Overlay:
    """`arguments` come right after the command's name."""

    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command. `present` is its environment."""

    present: Mapping[str, str]
    asks: bool
    """There is a terminal, so that the client can ask its user."""


def overlay(command: str, run: Run) -> Overlay:
    """For the program that `command` names."""
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
    if _chooses_provider(config):
        return Overlay(dummies)
    arguments = tuple(part for name, value in _CODEX_PROVIDER.items() for part in ("-c", f"{name}={value}"))
    return Overlay(dummies, arguments)


def _gemini(dummies: dict[str, str], run: Run) -> Overlay:
    """Whoever chose a Google log-in in its settings keeps it: they win over a key, and only files of root's over them."""
    dummies.pop("GOOGLE_API_KEY", None)  # of two keys it would complain
    if not run.asks:
        dummies["GEMINI_CLI_TRUST_WORKSPACE"] = run.present.get("GEMINI_CLI_TRUST_WORKSPACE", "true")  # else it refuses to start
    return Overlay(dummies)


def _chooses_provider(config: Path) -> bool:
    try:
        return "model_provider" in tomllib.loads(config.expanduser().read_text())
    except (OSError, ValueError):
        return False


_SPECIAL: Mapping[str, Callable[[dict[str, str], Run], Overlay]] = MappingProxyType(
    {"claude": _claude, "codex": _codex, "gemini": _gemini}
)
