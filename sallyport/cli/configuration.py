"""Makes the settings: flag > environment > config file, each mistake told by the name the person used."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from sallyport.cli.flags import CONFIG_VARIABLE, FILE_ONLY, FLAGS, Flag
from sallyport.declaration import Declaration
from sallyport.redaction.rule_declaration import RuleDeclaration
from sallyport.settings import Address, SettingError, Settings

_TABLES = {"providers": Declaration, "redaction_rules": RuleDeclaration}
_SHOWN_NEVER = ("redis_url", "database_url", "upstream_proxy")  # they may hold passwords


def load_settings(given: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """`given`: the flags, by field, and `config`. An empty variable counts as not set. Raises SettingError."""
    file = given.get("config") or environ.get(CONFIG_VARIABLE)
    in_file = _read_file(Path(file).expanduser()) if file else {}
    values: dict[str, Any] = {}
    names: dict[str, str] = {}
    for flag in FLAGS:
        if flag.field in given:
            raw, name = given[flag.field], flag.name
        elif environ.get(flag.variable):
            raw, name = environ[flag.variable], flag.variable
        elif flag.key in in_file:
            raw, name = in_file[flag.key], f"{flag.key} in {file}"
        else:
            continue
        names[flag.field] = name
        values[flag.field] = _value(flag, raw, name)
    for field in FILE_ONLY:
        if field in in_file:
            names[field], values[field] = f"{field} in {file}", in_file[field]
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise SettingError(_explain(error, names)) from None
    if settings.providers or settings.upstreams or settings.undecrypted:
        _check_providers(settings, names)
    return settings


def _check_providers(settings: Settings, names: Mapping[str, str]) -> None:
    """The operator's own can be used, and nothing else is sent elsewhere."""
    from sallyport.providers import load_providers  # slow to import

    try:
        providers = load_providers(settings.providers)
    except ValueError as error:
        raise SettingError(f"{names.get('providers', 'providers')}: {error}") from None
    try:
        load_providers(settings.providers, settings.undecrypted)
    except ValueError as error:
        raise SettingError(f"{names['undecrypted']}: {error}") from None
    known = [*providers, *(provider.token_service for provider in providers.values() if provider.token_service)]
    for name in settings.upstreams:
        if name not in known:
            raise SettingError(f"{names['upstreams']}: {name!r} is no provider; known are {', '.join(known)}")


def _read_file(path: Path) -> dict[str, Any]:
    """The file's keys with `_` for `-`. Raises SettingError for a file that can't be read, and for unknown keys."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError(f"--config: {path} can't be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"--config: {path} is not valid TOML: {error}") from None
    known = [*(flag.key for flag in FLAGS), *FILE_ONLY]
    found: dict[str, Any] = {}
    for key, value in content.items():
        name = key.replace("-", "_")
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise SettingError(f"--config: {path}: unknown key {key!r}" + (f"; did you mean {close[0]!r}?" if close else ""))
        found[name] = value
    return found


def _value(flag: Flag, raw: Any, name: str) -> Any:
    """`raw` as Settings takes it: text split into items, pairs into a mapping, an address parsed, a path made absolute."""
    if flag.kind == "address":
        try:
            return Address.parse(str(raw))
        except ValueError as error:
            raise SettingError(f"{name}: {error}") from None
    if flag.kind == "file" and isinstance(raw, str):
        return Path(raw).expanduser().absolute()
    if not flag.repeatable or isinstance(raw, dict):
        return cast(object, raw)
    texts = list(cast(Sequence[object], raw)) if isinstance(raw, list | tuple) else [raw]
    items = [item for text in texts for item in flag.items(str(text))]
    return _pairs(items, name) if flag.kind == "pairs" else items


def _pairs(items: list[str], name: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in items:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise SettingError(f"{name}: {item!r} is not PROVIDER=URL (for example openai=http://127.0.0.1:9000)")
        found[key] = value
    return found


def _explain(error: ValidationError, names: Mapping[str, str]) -> str:
    first = error.errors(include_url=False)[0]
    field, *within = map(str, first["loc"] or ("",))
    text = str(first["msg"]).removeprefix("Value error, ")
    text = text[:1].lower() + text[1:]
    if first["type"] == "extra_forbidden":
        text = f"is not known; the keys are {', '.join(_TABLES[field].model_fields)}"
    elif first["type"] == "missing":
        text = "is missing"
    said = first["type"] in ("value_error", "extra_forbidden", "missing")
    value = "" if field in _SHOWN_NEVER or said else f" {first['input']!r}:"
    name = names.get(field, field)
    if field in FILE_ONLY:  # `providers.acme.base_url in gateway.toml`
        name = ".".join((field, *within)) + name.removeprefix(field)
    return f"{name}:{value} {text}"
