"""Takes out of an answer's text what rules find in it: secrets, and personal data with a shape (names are not looked for).

A text is looked at once it is whole, for a secret that is half written is none yet.
"""

from __future__ import annotations

from collections.abc import Callable

from sallyport.redaction.placeholders import Placeholders, spans
from sallyport.redaction.restore import Restorer
from sallyport.redaction.scan import scan
from sallyport.redaction.strings import plan


class AnswerRedactor:
    """Of one answer. What was taken out of its request comes back, where a guard says so; what the answer adds does not come."""

    searches = True

    def __init__(
        self, names: Placeholders, restorer: Restorer | None, *, pii: bool, secrets: bool, found: Callable[[str], None]
    ) -> None:
        """`found` is told the category of each value, once."""
        self._names = names
        self._restorer = restorer or Restorer()
        self._pii = pii
        self._secrets = secrets
        self._found = found
        self._known: set[str] = set()

    def whole(self, text: str, *, escaped: bool = False) -> str:
        """`text` as the client may have it. `escaped`: it is JSON itself."""
        string = plan(text, structured=escaped)
        redacted = string.rebuild(iter([self._redacted(part) for part in string.texts()]), self._names)
        return self._restorer.whole(redacted, escaped=escaped)

    def piece(self, text: str, *, escaped: bool = False) -> tuple[str, str]:
        """Nothing is sure before the text ends."""
        return "", text

    def _redacted(self, text: str) -> str:
        findings = scan(text, pii=self._pii, secrets=self._secrets)
        if not findings:
            return text
        redacted = self._names.replace(text, findings)
        for start, end in spans(redacted):
            name = redacted[start:end]
            if name not in self._known and name not in text:
                self._known.add(name)
                self._found(name.removeprefix("[SAFE_TO_USE:")[:-10])
        return redacted
