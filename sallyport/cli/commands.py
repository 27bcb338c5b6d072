"""How our commands behave: every one takes every setting, is loaded when it is asked for, and fails with one clear line."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Mapping
from typing import Any, Never

import click

from sallyport.cli.configuration import load_settings
from sallyport.cli.flags import GIVEN, options
from sallyport.settings import SettingError, Settings

log = logging.getLogger(__name__)

_SETTINGS = "sallyport.settings"


class Failure(click.ClickException):
    """Something could not be done; exit code 1."""


class BadInput(click.ClickException):
    """What the person gave can't be meant; exit code 2."""

    exit_code = 2


class Command(click.Command):
    """A command that takes the settings' flags too."""

    def __init__(self, *args: Any, show_all: bool = False, **more: Any) -> None:
        super().__init__(*args, **more)
        _add_settings(self, show_all)


class Group(click.Group):
    """A group whose commands, and which itself, take the settings' flags."""

    command_class = Command

    def __init__(self, *args: Any, show_all: bool = False, **more: Any) -> None:
        super().__init__(*args, **more)
        _add_settings(self, show_all)


def _add_settings(command: click.Command, show_all: bool) -> None:
    """Where a command has a flag of the same name for itself (`policies create --config`), the setting's stands before it."""
    own = {name for parameter in command.params for name in parameter.opts}
    command.params.extend(option for option in options(show_all=show_all) if own.isdisjoint(option.opts))


Group.group_class = Group


class Root(Group):
    """Loads a command's module when that command is asked for, and turns our exceptions into one line and an exit code."""

    def __init__(self, *args: Any, modules: Mapping[str, tuple[str, str]], **more: Any) -> None:
        """`modules`: command → the module in `sallyport.cli` that has it as `<name>_command`, and what it does in a line.

        A `-` in the command's name is `_` there.
        """
        super().__init__(*args, **more)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._modules:
            return None
        module = importlib.import_module(f"sallyport.cli.{self._modules[cmd_name][0]}")
        return getattr(module, f"{cmd_name.replace('-', '_')}_command")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in self._modules.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            _fail(error)


def _fail(error: Exception) -> Never:
    """Raises what click shows instead of a traceback."""
    from policies.model import PolicyError
    from sallyport.store.errors import Invalid, StoreError
    from sallyport.supervisor.logs import mask

    if isinstance(error, SettingError | PolicyError | Invalid):
        raise BadInput(mask(str(error))) from error
    if isinstance(error, StoreError) or type(error).__module__.startswith(("sallyport.", "certs.")):
        raise Failure(mask(str(error))) from error
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        raise Failure(mask(f"{where}{error.strerror or error}")) from error
    log.debug("unexpected", exc_info=error)
    raise Failure(
        mask(f"unexpected {type(error).__name__}: {error} (a defect; SALLYPORT_LOG_LEVEL=debug shows where)")
    ) from error


def current_settings() -> Settings:
    """The settings of the command that runs. Raises SettingError."""
    meta = click.get_current_context().meta
    if _SETTINGS not in meta:
        meta[_SETTINGS] = load_settings(meta.get(GIVEN, {}), os.environ)
    return meta[_SETTINGS]
