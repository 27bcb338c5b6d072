"""Checks that the config of every policy type shares. Each raises PolicyError: the field, what is wrong, what is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from policies.model import PolicyError

REQUIRED: Final = object()


def only(config: object, allowed: Sequence[str]) -> Mapping[str, Any]:
    """`config` as an object that holds no other field than these."""
    if not isinstance(config, Mapping):
        raise PolicyError(f"config: must be an object, not {type(config).__name__}")
    given = cast("Mapping[str, Any]", config)
    for name in given:
        if name not in allowed:
            raise PolicyError(f"config.{name}: is not known; the fields are {', '.join(allowed)}")
    return given


def version(config: Mapping[str, Any]) -> int:
    value: object = config.get("version", 1)
    if value is True or value != 1:
        raise PolicyError(f"config.version: must be 1, not {value!r}")
    return 1


def choice(where: str, value: object, allowed: Sequence[str]) -> str:
    if value is REQUIRED:
        raise PolicyError(f"{where}: is missing; give one of {', '.join(allowed)}")
    if not isinstance(value, str) or value not in allowed:
        raise PolicyError(f"{where}: must be one of {', '.join(allowed)}, not {value!r}")
    return value


def boolean(where: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise PolicyError(f"{where}: must be true or false, not {value!r}")
    return value
