"""The surfaces: what APIs that several vendors speak have below their base URL. A declaration's `wire_formats` names them.

Built in, one file each (its `surface`), and those of entry points in the group `sallyport.wire_formats`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points

from sallyport.providers.base import ErrorAnswer
from sallyport.providers.routes import Route

ENTRY_POINT_GROUP = "sallyport.wire_formats"


def _reshapes_nothing(name: str, value: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Surface:
    """One API: its paths and its manners."""

    routes: Sequence[Route]
    """Its path table, without the prefix that differs by vendor."""
    error: Callable[[int, str], ErrorAnswer]
    """A message as its SDKs expect an error of that status."""
    reshapes: Callable[[str, str], bool] = _reshapes_nothing
    """See `Provider.reshapes`."""


@cache
def built_in() -> Mapping[str, Surface]:
    """By the name of the wire format."""
    modules = (importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
    return {module.__name__.rpartition(".")[2]: module.surface for module in modules}


def surfaces() -> Mapping[str, Surface]:
    """Those and the ones of installed packages. Raises ValueError, naming the entry point, for one that can't be used."""
    found = dict(built_in())
    for entry_point in entry_points(group=ENTRY_POINT_GROUP):
        what = f"the wire format {entry_point.name!r} ({entry_point.value})"
        try:
            surface = entry_point.load()
        except Exception as error:  # a third party's module may fail in any way
            raise ValueError(f"{what} can't be loaded: {error}") from error
        if not isinstance(surface, Surface):
            raise ValueError(f"{what} is no Surface")
        if entry_point.name in found:
            raise ValueError(f"{what} takes the name of another")
        found[entry_point.name] = surface
    return found
