"""The stand-in as a process of its own, for the demo and for tests."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it reached the stand-in."""

    method: str
    target: str
    """The path with its query, as sent."""
    headers: tuple[tuple[str, str], ...]
    """In order; names in lower case."""
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name.lower()), None)

    def json(self) -> Any:
        return json.loads(self.body)

    def __contains__(self, text: str) -> bool:
        """The text stands anywhere in it: target, headers or body."""
        return text in self.target or any(text in value for _, value in self.headers) or text.encode() in self.body


class StandIn:
    """Starts the stand-in, on a free port of loopback by default, and ends it with the `with` block.

    `directory` gets its certificates; where none is given, a temporary one that goes with it. `plain` serves HTTP. `names` is
    what its certificate is for, instead of loopback.
    """

    def __init__(
        self, directory: Path | None = None, *, plain: bool = False, listen: str = "127.0.0.1:0", names: Sequence[str] = ()
    ) -> None:
        self._temporary = None if directory else tempfile.TemporaryDirectory(prefix="sallyport-standin-")
        self._directory = Path(self._temporary.name) if self._temporary else directory
        self._options = ["--listen", listen, *(["--plain"] if plain else []), *(f"--name={name}" for name in names)]
        self._process: subprocess.Popen[str] | None = None
        self.url = ""
        """`https://127.0.0.1:PORT`."""
        self.ca: Path | None = None
        """The certificate to trust, PEM; None when plain."""
        self.tls = ssl.create_default_context()
        """For clients: trusts `ca` and nothing else once it serves; the system's roots when plain."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "sallyport.standin", "--directory", str(self._directory), "--until-eof"]
        command += self._options
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        stdout = self._process.stdout
        line = stdout.readline() if stdout else ""
        if not line:
            raise RuntimeError(f"the stand-in ended at its start with status {self._process.wait()}")
        ready = json.loads(line)
        self.url, self.ca = ready["url"], Path(ready["ca"]) if ready["ca"] else None
        if self.ca:
            self.tls = ssl.create_default_context(cafile=self.ca)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.communicate()
        if self._temporary is not None:
            self._temporary.cleanup()

    def requests(self) -> list[Received]:
        """What came in since the start or the last `clear`, oldest first."""
        return [
            Received(
                entry["method"],
                entry["target"],
                tuple((name, value) for name, value in entry["headers"]),
                base64.b64decode(entry["body_base64"]),
            )
            for entry in json.loads(self._own("GET", "requests"))
        ]

    def runs(self) -> list[dict[str, Any]]:
        """The LangSmith runs, posts and patches put together."""
        return json.loads(self._own("GET", "runs"))

    def revoke(self, key: str) -> None:
        """LangSmith no longer knows this key."""
        self._own("DELETE", f"keys/{key}")

    def clear(self) -> None:
        """Forget what came in, runs too."""
        self._own("DELETE", "requests")
        self._own("DELETE", "runs")

    def _own(self, method: str, what: str) -> bytes:
        request = urllib.request.Request(f"{self.url}/__standin__/{what}", method=method)  # noqa: S310 - our own loopback URL
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self.tls))
        with opener.open(request, timeout=10) as response:
            return response.read()
