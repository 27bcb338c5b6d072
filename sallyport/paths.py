"""Where things lie in the data dir, and where its sockets lie."""

import hashlib
import os
import tempfile
from pathlib import Path

_LONGEST_SOCKET_PATH = 90  # sun_path holds 108 bytes on Linux, 104 on macOS


class DataDir:
    """The files of one installation; only names, nothing is made here."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ca = root / "ca"
        self.ca_key = self.ca / "ca-key.pem"
        self.ca_cert = self.ca / "ca-cert.pem"
        self.ca_bundle = self.ca / "bundle.pem"
        self.upstream_bundle = self.ca / "upstream-roots.pem"
        self.master_key = root / "master.key"
        self.database = root / "gateway.db"
        self.redis = root / "redis"
        self.journals = root / "journals"
        """What the workers did with money and the ledger does not have yet."""
        self.lock = root / "gateway.lock"
        """Held while a gateway runs on this data dir."""
        self.state = root / "gateway.json"
        """Addresses and process ids of the running gateway, for the commands that look for it."""

    @property
    def sockets(self) -> Path:
        """A directory for unix sockets: in the data dir, or, where that path is too long, a private one in the temporary dir."""
        inside = self.root / "run"
        if len(os.fsencode(inside)) <= _LONGEST_SOCKET_PATH - len("/redis.sock"):
            return inside
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"sallyport-{os.getuid()}-{digest}"

    @property
    def redis_socket(self) -> Path:
        return self.sockets / "redis.sock"

    def ner_socket(self, number: int) -> Path:
        return self.sockets / f"ner-{number}.sock"

    def ner_sockets(self, count: int) -> list[Path]:
        return [self.ner_socket(number) for number in range(count)]
