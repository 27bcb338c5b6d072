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
from bench.redaction.engines import Engine, Presidio, Sallyport
from bench.redaction.samples import Part, negatives, personal, secrets
from sallyport.redaction.detector import Haystack
from sallyport.redaction.finding import Finding
from sallyport.redaction.scan import scan
from sallyport.redaction.secrets import find_secrets

# What is asked: recall and precision of at least, false hits of at most, characters per CPU second of at least.
GOALS = {
    "PERSON": (92, 97),
    "LOCATION": (92, 97),
    "NRP": (94, 98),
    "AGE": (93, 98),
    "US_PHONE_NUMBER": (99, 99),
    "US_SSN": (99.5, 99),
    "SECRET": (99.5, 99.5),
}
WORST_KIND = 97
MOST = {"hard negatives touched, %": 0.3, "false hits per 100 KB of code": 0.3, "… of technical prose": 2}
FASTEST = {"prose": 80_000, "code": 1_000_000, "secrets_stage": 20_000_000, "hostile": 200_000, "seen": 50_000_000}

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


async def _speed(engine: Engine, size: int) -> Figures:
    """Every text is new to it, but for `seen`; `hostile`: the slowest of texts made to be slow, by rules alone."""
    prose = [
        "\n\n".join(text for sample in personal(part, seed=2) for text in sample.texts if "prose" in sample.name)
        for part in PARTS
    ]
    code = corpus.code("tuned", size)

    async def find(text: str) -> list[list[Finding]]:
        return await engine.find([text])

    async def only_secrets(text: str) -> list[Finding]:
        return find_secrets(Haystack(text))

    async def by_rules(text: str) -> list[Finding]:
        return scan(text, pii=True, secrets=True)

    await find("My name is John Smith.")
    speed: Figures = {"engine": engine.name, "prose": await measure.rate(prose, find), "code": await measure.rate(code, find)}
    if isinstance(engine, Sallyport):
        speed["seen"] = await measure.rate(code, find)
        speed["secrets_stage"] = await measure.rate(code, only_secrets)
        speed["hostile"] = min([await measure.rate([text], by_rules) for text in corpus.hostile(size // 3)])
    return speed


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _mark(*met: bool) -> str:
    return "[green]✓[/]" if all(met) else "[red]✗[/]"


def _show(results: Sequence[Figures], general: Sequence[Figures], speeds: Sequence[Figures]) -> None:
    """One table, with a mark at what the goals ask of our own figures, on the part held out."""
    held = next(one for one in results if one["part"] == "held")
    table = Table(title="recall % (nothing of the value left) / precision % (number of values)")
    table.add_column("")
    for one in results:
        table.add_column(f"{one['engine']}, {one['part']}", justify="right")
    table.add_column("goal")
    for name in CATEGORIES:
        figures = (
            f"{_number(one['recall'][name])} / {_number(one['precision'][name])} ({one['values'][name]})" for one in results
        )
        table.add_row(name, *figures, _goal(held, name))
    worst = [min(one["secret_kinds"].values()) for one in results]
    table.add_row("worst kind of secret", *map(_number, worst), f"{WORST_KIND} {_mark(worst[results.index(held)] >= WORST_KIND)}")
    for name, most in MOST.items():
        row = [_general_figure(name, one, general) for one in results]
        table.add_row(name, *(f"{value:.2f}" for value in row), f"≤ {most} {_mark(row[results.index(held)] <= most)}")
    for name, least in FASTEST.items():
        by_engine: dict[str, float] = {speed["engine"]: speed.get(name, 0.0) for speed in speeds}
        shown = [f"{by_engine[one['engine']]:,.0f}" if by_engine.get(one["engine"]) else "" for one in results]
        table.add_row(f"{name}, characters per CPU s", *shown, f"≥ {least:,} {_mark(by_engine[held['engine']] >= least)}")
    Console(width=150).print(table)


def _goal(held: Figures, name: str) -> str:
    if name not in GOALS:
        return ""
    recall, precision = GOALS[name]
    return f"{recall} / {precision} {_mark(held['recall'][name] >= recall, held['precision'][name] >= precision)}"


def _general_figure(name: str, one: Figures, general: Sequence[Figures]) -> float:
    figures = next(each for each in general if each["engine"] == one["engine"])
    return {
        "hard negatives touched, %": figures["hard_negatives_touched_percent"],
        "false hits per 100 KB of code": one["false_per_100_kb_of_code"],
        "… of technical prose": figures["false_per_100_kb_of_technical_prose"],
    }[name]


async def _run(size: int) -> tuple[list[Figures], list[Figures], list[Figures], list[str]]:
    ours = Sallyport()
    theirs = Presidio()
    results: list[Figures] = []
    general: list[Figures] = []
    looks: list[str] = []
    for engine in (ours, theirs):
        for part in PARTS if engine is ours else ("held",):
            results.append(
                await _measure(
                    engine, part, size if engine is ours else size // 10, looks if engine is ours and part == "tuned" else []
                )
            )
        general.append(await _general(engine, size if engine is ours else size // 10, looks if engine is ours else []))
    speeds = [await _speed(Sallyport(), size), await _speed(theirs, size // 10)]
    return results, general, speeds, looks


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--misses", is_flag=True, help="Print what was missed or wrong in the tuned part, and every false hit.")
@click.option("--size", default=600_000, show_default=True, help="Characters of code to read for each part.")
def main(as_json: bool, misses: bool, size: int) -> None:
    """Measure the redactor on the labelled set."""
    began = time.monotonic()
    results, general, speeds, looks = asyncio.run(_run(size))
    if as_json:
        print(json.dumps({"results": results, "general": general, "chars_per_cpu_second": speeds}))
        return
    _show(results, general, speeds)
    print(f"took {time.monotonic() - began:.0f} s")
    if misses:
        print("\n".join(looks))


if __name__ == "__main__":
    main()
