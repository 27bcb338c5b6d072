"""`make bench-redaction`: what the redactor finds, what it leaves alone, and how fast, on the labelled set of this directory.

Rules are improved on the part `tuned`; `held` has other people, templates and wordings, and only its figures are looked at.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from bench.redaction import corpus, measure
from bench.redaction.engines import Engine, Sallyport, presidio
from bench.redaction.samples import Part, negatives, personal, secrets
from sallyport.redaction.detector import Haystack
from sallyport.redaction.finding import Finding
from sallyport.redaction.secrets import find_secrets

CATEGORIES = ("PERSON", "LOCATION", "NRP", "AGE", "EMAIL", "US_PHONE_NUMBER", "US_SSN", "SECRET")
PARTS: tuple[Part, ...] = ("tuned", "held")

Figures = dict[str, Any]


async def _measure(engine: Engine, part: Part, size: int, looks: list[str]) -> Figures:
    score = await measure.score(engine, [*personal(part), *secrets(part)])
    code_hits, code = await measure.false_hits(engine, corpus.code(part, size))
    looks += [
        *(f"missed {one}" for one in score.missed),
        *(f"wrong {one}" for one in score.wrong),
        *(f"code {one}" for one in code),
    ]
    kinds = {kind.partition(":")[2]: score.recall(kind) for kind in score.labelled if ":" in kind}
    return {
        "engine": engine.name,
        "part": part,
        "recall": {category: score.recall(category) for category in CATEGORIES},
        "precision": {category: score.precision(category) for category in CATEGORIES},
        "secret_kinds": kinds,
        "values": {category: score.labelled[category] for category in CATEGORIES},
        "false_per_100_kb_of_code": code_hits,
    }


async def _general(engine: Engine, size: int, looks: list[str]) -> Figures:
    touched, which = await measure.touched(engine, negatives())
    data, data_hits = await measure.false_hits(engine, corpus.data(size))
    prose, prose_hits = await measure.false_hits(engine, corpus.technical_prose(size // 2))
    looks += [f"negative {one}" for one in which]
    looks += [*(f"data {one}" for one in data_hits), *(f"prose {one}" for one in prose_hits)]
    return {
        "engine": engine.name,
        "hard_negatives_touched_percent": touched,
        "false_per_100_kb_of_data": data,
        "false_per_100_kb_of_technical_prose": prose,
    }


async def _speed(engine: Sallyport, size: int) -> Figures:
    """Every text is new to the redactor, but for `seen`."""
    fresh = Sallyport()
    prose = [
        "\n\n".join(text for sample in personal(part, seed=2) for text in sample.texts if "prose" in sample.name)
        for part in PARTS
    ]
    code = corpus.code("tuned", size)

    async def find(text: str) -> list[list[Finding]]:
        return await fresh.find([text])

    async def only_secrets(text: str) -> list[Finding]:
        return find_secrets(Haystack(text))

    await find("My name is John Smith.")
    return {
        "prose": await measure.rate(prose, find),
        "code": await measure.rate(code, find),
        "secrets_stage": await measure.rate(code, only_secrets),
        "seen": await measure.rate(code, find),
    }


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _worst(kinds: dict[str, float]) -> str:
    kind = min(kinds, key=kinds.__getitem__)
    return f"{kind} {_number(kinds[kind])} (of {len(kinds)} kinds)"


def _show(results: Sequence[Figures], general: Sequence[Figures], speed: Figures) -> None:
    console = Console()
    table = Table(title="recall % (nothing of the value left) / precision % (number of values)")
    table.add_column("")
    for one in results:
        table.add_column(f"{one['engine']}, {one['part']}", justify="right")
    for name in CATEGORIES:
        figures = (
            f"{_number(one['recall'][name])} / {_number(one['precision'][name])} ({one['values'][name]})" for one in results
        )
        table.add_row(name, *figures)
    table.add_row("worst kind of secret", *(_worst(one["secret_kinds"]) for one in results))
    table.add_row("false hits per 100 KB of code", *(f"{one['false_per_100_kb_of_code']:.2f}" for one in results))
    console.print(table)
    for one in general:
        console.print(
            f"{one['engine']}: hard negatives touched {one['hard_negatives_touched_percent']:.2f} %; false hits per 100 KB: "
            f"data {one['false_per_100_kb_of_data']:.2f}, technical prose {one['false_per_100_kb_of_technical_prose']:.2f}"
        )
    console.print("characters per CPU second: " + ", ".join(f"{name} {rate:,.0f}" for name, rate in speed.items()))


async def _run(size: int) -> tuple[list[Figures], list[Figures], Figures, list[str]]:
    ours = Sallyport()
    others: list[Engine] = [one for one in (presidio(),) if one is not None]
    results: list[Figures] = []
    general: list[Figures] = []
    looks: list[str] = []
    for engine in (ours, *others):
        for part in PARTS:
            results.append(await _measure(engine, part, size, looks if engine is ours and part == "tuned" else []))
        general.append(await _general(engine, size, looks if engine is ours else []))
    return results, general, await _speed(ours, size), looks


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--misses", is_flag=True, help="Print what was missed or wrong in the tuned part, and every false hit.")
@click.option("--size", default=600_000, show_default=True, help="Characters of code to read for each part.")
def main(as_json: bool, misses: bool, size: int) -> None:
    """Measure the redactor on the labelled set."""
    began = time.monotonic()
    results, general, speed, looks = asyncio.run(_run(size))
    if as_json:
        print(json.dumps({"results": results, "general": general, "chars_per_cpu_second": speed}))
        return
    _show(results, general, speed)
    if presidio() is None:
        print("Presidio (presidio-analyzer) is not installed: nothing to compare with.")
    print(f"took {time.monotonic() - began:.0f} s")
    if misses:
        print("\n".join(looks))


if __name__ == "__main__":
    main()
