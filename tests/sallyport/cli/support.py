from collections.abc import Callable

from click.testing import Result

Run = Callable[..., Result]
"""`run("keys", "list", stdin=…, SALLYPORT_…=…)`, see the fixture `run`."""
