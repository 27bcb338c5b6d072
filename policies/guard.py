"""`guard`: what is taken out of a request before it leaves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from policies import fields
from policies.model import Matcher, Policy, PolicyError, Subject
from policies.subjects import check_matchers
from sallyport.tracing.record import PolicyRef

NAME = "guard"
DETECTS = ("pii", "secrets")
DIRECTIONS = ("request", "response", "both")
_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.1, 30


@dataclass(frozen=True, slots=True)
class GuardRule:
    """The guards that hold for one call, as one: what any of them detects, with the strictest failure mode of all."""

    policies: tuple[PolicyRef, ...]
    pii_policies: tuple[PolicyRef, ...]
    """Those because of which PII is detected …"""
    secrets_policies: tuple[PolicyRef, ...]
    """… and secrets."""
    answer_policies: tuple[PolicyRef, ...]
    """Those that look at answers, too: for …"""
    answers_pii: bool
    answers_secrets: bool
    timeout_seconds: float
    on_timeout: Literal["allow", "block"]
    """What becomes of a call whose personal data could not be looked for in time …"""
    on_error: Literal["allow", "block"]
    """… or not at all. Secrets are taken out in any case."""
    system_prompts: bool
    """Whether system prompts are looked at: where any guard says so."""
    restores_pii: bool
    """Whether personal data comes back in answers: where all guards that take it out say so …"""
    restores_secrets: bool
    """… and secrets."""

    @property
    def pii(self) -> bool:
        return bool(self.pii_policies)

    @property
    def secrets(self) -> bool:
        return bool(self.secrets_policies)


def validate(config: object, matchers: Sequence[Matcher]) -> dict[str, Any]:
    """The config with every field present. Raises PolicyError."""
    check_matchers(matchers, default=False)
    given = fields.only(
        config, ("version", "detect", "timeout_seconds", "on_timeout", "on_error", "restore", "system_prompts", "direction")
    )
    on_timeout = fields.choice("config.on_timeout", given.get("on_timeout", "allow"), ("allow", "block"))
    return {
        "version": fields.version(given),
        "detect": _detect(given.get("detect")),
        "timeout_seconds": _timeout(given.get("timeout_seconds", 2)),
        "on_timeout": on_timeout,
        "on_error": fields.choice("config.on_error", given.get("on_error", on_timeout), ("allow", "block")),
        "restore": fields.boolean("config.restore", given.get("restore", False)),
        "system_prompts": fields.boolean("config.system_prompts", given.get("system_prompts", True)),
        "direction": fields.choice("config.direction", given.get("direction", "request"), DIRECTIONS),
    }


def _detect(value: object) -> dict[str, bool]:
    if not isinstance(value, Mapping):
        raise PolicyError('config.detect: must be an object such as {"pii": true, "secrets": true}')
    given = cast("Mapping[str, object]", value)
    for name in given:
        if name not in DETECTS:
            raise PolicyError(f"config.detect.{name}: is not known; the fields are {', '.join(DETECTS)}")
    detect = {name: fields.boolean(f"config.detect.{name}", given.get(name, False)) for name in DETECTS}
    if not any(detect.values()):
        raise PolicyError("config.detect: pii or secrets must be true; to switch a guard off, set enabled to false")
    return detect


def _timeout(value: object) -> int | float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not _SHORTEST_SECONDS <= cast(float, value) <= _LONGEST_SECONDS:
        raise PolicyError(
            f"config.timeout_seconds: must be a number between {_SHORTEST_SECONDS} and {_LONGEST_SECONDS}, not {value!r}"
        )
    return cast(float, value)


def guard_for(policies: Sequence[Policy], subject: Subject) -> GuardRule | None:
    """What to detect in a call of `subject`; None: nothing guards it."""
    matching = [policy for policy in policies if policy.policy_type == NAME and policy.matches(subject)]
    if not matching:
        return None
    configs = [policy.config for policy in matching]
    sent = [policy for policy in matching if _direction(policy) != "response"]
    answers = [policy for policy in matching if _direction(policy) != "request"]
    pii, secrets = ([policy for policy in sent if policy.config["detect"][kind]] for kind in DETECTS)
    return GuardRule(
        policies=_refs(matching),
        pii_policies=_refs(pii),
        secrets_policies=_refs(secrets),
        answer_policies=_refs(answers),
        answers_pii=any(policy.config["detect"]["pii"] for policy in answers),
        answers_secrets=any(policy.config["detect"]["secrets"] for policy in answers),
        timeout_seconds=min(config["timeout_seconds"] for config in configs),
        on_timeout="block" if any(config["on_timeout"] == "block" for config in configs) else "allow",
        on_error="block" if any(_on_error(config) == "block" for config in configs) else "allow",
        system_prompts=any(config.get("system_prompts", True) for config in configs),
        restores_pii=bool(pii) and all(policy.config["restore"] for policy in pii),
        restores_secrets=bool(secrets) and all(policy.config["restore"] for policy in secrets),
    )


def _on_error(config: Mapping[str, Any]) -> str:
    """A guard of an older version has `on_timeout` for both."""
    return config.get("on_error", config["on_timeout"])


def _direction(policy: Policy) -> str:
    return policy.config.get("direction", "request")


def _refs(policies: Iterable[Policy]) -> tuple[PolicyRef, ...]:
    return tuple(PolicyRef(policy.id, policy.name) for policy in policies)
