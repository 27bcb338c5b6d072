"""One structured log for all processes: lines on stderr, for people or as JSON, with no credential in them."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

from sallyport.settings import Settings

OUR_LOGGERS = ("addons", "certs", "policies", "sallyport", "run_gateway")
_PLAIN_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}

_QUOTING_LOGGERS = ("botocore", "hpack", "mitmproxy.addons.next_layer")
"""They log headers, what is signed, and bytes as they came, at "debug": no mask would know every credential in there."""

_MASKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?(?:-----END \1-----|\Z)", re.DOTALL), r"[\1]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{8,}"), r"\1 …"),
    (re.compile(r"\b(spa?_|sk-|lsv2_|fw_|gh[pousr]_|ya29\.|ABSK|AIza|AKIA|ASIA|eyJ)[A-Za-z0-9+/=._-]{12,}"), r"\1…"),
    (re.compile(r"(://[^/\s:@]*:)[^/\s@]+@"), r"\1…@"),
    (re.compile(r"(?i)([?&](?:key|api[_-]key|access_token)=)[^&\s\"']+"), r"\1…"),
)


def mask(text: str) -> str:
    """`text` without what looks like a credential: gateway, admin and vendor keys, bearers, passwords in URLs, private keys."""
    for pattern, replacement in _MASKS:
        text = pattern.sub(replacement, text)
    return text


class HumanFormatter(logging.Formatter):
    """`12:03:20.123 info    worker-1 sallyport.proxy: message  name=value`."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created).astimezone().isoformat(sep=" ", timespec="milliseconds")[11:23]
        extras = "".join(f"  {name}={value}" for name, value in _extras(record).items())
        line = f"{time} {record.levelname.lower():<7} {self._process} {record.name}: {record.getMessage()}{extras}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return mask(line)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `at` (RFC 3339, UTC), `level`, `process`, `logger`, `message`, and the fields given as `extra`."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "message": mask(record.getMessage()),
        }
        entry |= {name: mask(value) if isinstance(value, str) else value for name, value in _extras(record).items()}
        if record.exc_info:
            entry["exception"] = mask(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False, default=lambda value: mask(str(value)))


def _extras(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _PLAIN_ATTRIBUTES and not name.startswith("_")}


def setup_logging(settings: Settings, process: str) -> None:
    """Send every log line of this process to stderr, marked with the process's name.

    Our own loggers follow `settings.log_level`; libraries speak from warnings on, or at "debug" too.
    """
    level = settings.log_level.upper()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(process) if settings.log_format == "json" else HumanFormatter(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level if level in ("DEBUG", "ERROR") else "WARNING")
    for name in OUR_LOGGERS:
        logging.getLogger(name).setLevel(level)
    for name in _QUOTING_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
