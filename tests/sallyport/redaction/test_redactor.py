"""What leaves is clean, the same every time, in time, and the event loop never waits."""

import asyncio
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sallyport.redaction import lookup
from sallyport.redaction.ner_client import NerClient
from sallyport.redaction.placeholders import Placeholders
from sallyport.redaction.redactor import Redaction, Redactor
from tests.sallyport.redaction.samples import TOKENS, some

KEY = b"k" * 32
SECRET = TOKENS["github classic"][1]()
LETTER = "Dear team, my name is Maria Lopez and I moved to Chicago last year. I am 34 years old. Call me at (415) 555-2671.\n"


async def redact(
    redactor: Redactor, *texts: str, seconds: float = 30, pii: bool = True, secrets: bool = True, key: bytes = KEY
) -> Redaction:
    deadline = asyncio.get_running_loop().time() + seconds
    return await redactor.redact(texts, names=Placeholders(key), pii=pii, secrets=secrets, deadline=deadline)


class Stalls:
    """The longest that the event loop did not turn, in seconds of this process's work: what others do beside us is no stall."""

    async def __aenter__(self) -> "Stalls":
        self.longest = 0.0
        self._task = asyncio.create_task(self._watch())
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()

    async def _watch(self) -> None:
        while True:
            began = time.process_time()
            await asyncio.sleep(0.001)
            self.longest = max(self.longest, time.process_time() - began)


async def test_everything_in_a_letter_is_replaced(redactor: Redactor) -> None:
    result = await redact(redactor, LETTER, f"token: {SECRET}")
    (letter, token) = result.texts
    for value in ("Maria", "Lopez", "Chicago", "34", "555-2671"):
        assert value not in letter
    assert SECRET not in token
    assert result.counts == {"PERSON": 1, "LOCATION": 1, "AGE": 1, "US_PHONE_NUMBER": 1, "GITHUB_PAT": 1}
    assert not result.timed_out
    assert not result.failed


async def test_what_is_not_asked_for_stays(redactor: Redactor) -> None:
    text = LETTER + SECRET
    assert SECRET in (await redact(redactor, text, secrets=False)).texts[0]
    assert "Maria Lopez" in (await redact(redactor, text, pii=False)).texts[0]
    assert (await redact(redactor, text, pii=False, secrets=False)).texts == [text]


async def test_redacting_again_changes_nothing(redactor: Redactor) -> None:
    once = await redact(redactor, LETTER, f"token: {SECRET}", "password=Sup3rS3cret!;")
    twice = await redact(redactor, *once.texts)
    assert twice.texts == once.texts
    assert twice.counts == {}


async def test_a_conversation_keeps_its_prefix_as_it_grows(redactor: Redactor) -> None:
    texts = [
        LETTER,
        "lopez came by",
        "Maria said hello to Peter Parker.",
        "Peter asked Chicago's mayor.",
        "And Ada Lovelace left.",
    ]
    texts += [f"I told Maria {number} times that {SECRET} is secret." for number in range(3)]
    before: list[str] = []
    for turn in range(1, len(texts) + 1):
        now = (await redact(redactor, *texts[:turn])).texts
        assert now[:-1] == before
        assert now == (await redact(Redactor(redactor._ner), *texts[:turn])).texts  # pyright: ignore[reportPrivateUsage]
        before = now


async def test_a_value_found_once_is_replaced_everywhere(redactor: Redactor) -> None:
    secret = some("abcdefghijkmnopq23456789", 24)
    result = await redact(redactor, f"it was x{secret}y", f"DB_PASSWORD={secret}", f'{{"{secret}": 1}}')
    assert all(secret not in text for text in result.texts)
    assert len({text[text.index("[") : text.index("]") + 1] for text in result.texts}) == 1


async def test_lone_parts_of_a_name_go_too_but_words_and_code_stay(redactor: Redactor) -> None:
    result = await redact(redactor, LETTER, "maria.lopez = Maria.find(Lopez())", "So Maria, tell Lopez", "mariaMaria Lopezlopez")
    assert result.texts[1] == "maria.lopez = Maria.find(Lopez())"
    assert "Maria" not in result.texts[2]
    assert "Lopez" not in result.texts[2]
    assert result.texts[3] == "mariaMaria Lopezlopez"


async def test_another_workspace_gets_other_placeholders(redactor: Redactor) -> None:
    one, other = await redact(redactor, SECRET), await redact(redactor, SECRET, key=b"other")
    assert one.texts != other.texts


async def test_lone_surrogates_and_odd_scripts_survive(redactor: Redactor) -> None:
    text = f"\ud800 İstanbul \U0001f600 {LETTER} \udfff {SECRET} مرحبا"
    (clean,) = (await redact(redactor, text)).texts
    assert clean.startswith("\ud800")
    assert clean.endswith(" مرحبا")
    assert "Maria" not in clean
    assert SECRET not in clean


async def test_names_are_given_up_at_the_deadline_but_never_secrets(ner: NerClient) -> None:
    text = "\n\n".join(f"{LETTER}Then {number} of us met Peter Parker in Rome." for number in range(3_000)) + SECRET
    async with Stalls() as stalls:
        async with asyncio.timeout(10):  # reading it all would take the model far longer
            result = await redact(Redactor(ner), text, seconds=0.5)
    assert result.timed_out
    assert SECRET not in result.texts[0]
    assert stalls.longest < 0.1


async def test_what_was_looked_at_in_haste_is_looked_at_again(ner: NerClient) -> None:
    """Personal data that was left for want of time is no finding to remember."""
    redactor, text = Redactor(ner), LETTER * 100 + SECRET
    assert (await redact(redactor, text, seconds=0)).timed_out
    again = await redact(redactor, text)
    assert not again.timed_out
    assert "555-2671" not in again.texts[0]


@pytest.mark.parametrize("seconds", [-1, 0, 0.001])
async def test_secrets_go_even_without_any_time(ner: NerClient, seconds: float) -> None:
    text = LETTER * 100 + SECRET
    result = await redact(Redactor(ner), text, seconds=seconds)
    assert SECRET not in result.texts[0]
    assert result.timed_out


async def test_without_a_ner_process_secrets_go_and_names_are_reported_unread(tmp_path: Path) -> None:
    for redactor in (Redactor(None), Redactor(NerClient([tmp_path / "none.sock"])), Redactor(NerClient([]))):
        result = await redact(redactor, LETTER * 100, SECRET)
        assert result.failed
        assert SECRET not in result.texts[1]
        assert "555-2671" not in result.texts[0]
        assert not (await redact(redactor, "x = 1", SECRET)).failed


async def test_large_texts_never_block_the_event_loop(ner: NerClient) -> None:
    redactor = Redactor(ner)
    texts = [f"{number} {'data = process(value)  # nothing here' * 400} {SECRET}\n" for number in range(100)]
    for _ in range(2):
        async with Stalls() as stalls:
            result = await redact(redactor, *texts, pii=False)
        assert result.counts == {"GITHUB_PAT": 100}
        assert stalls.longest < 0.1


async def test_seen_text_is_not_scanned_again(ner: NerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    redactor = Redactor(ner)
    texts = [LETTER * 200, f"x {SECRET}"]
    first = await redact(redactor, *texts)

    async def never(*_: object, **__: object) -> None:
        raise AssertionError("scanned again")

    monkeypatch.setattr(ner, "scan", never)
    monkeypatch.setattr(ner, "names", never)
    monkeypatch.setattr(lookup, "scan", never)
    assert (await redact(redactor, *texts)).texts == first.texts


async def test_the_cache_keeps_to_its_bound(ner: NerClient) -> None:
    redactor = Redactor(ner, cache_bytes=2_000)
    for number in range(50):
        assert SECRET not in (await redact(redactor, f"{number} {SECRET}", LETTER)).texts[0]
    assert redactor._cache._bytes <= 2_000  # pyright: ignore[reportPrivateUsage]


async def test_a_text_that_breaks_a_rule_is_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(lookup, "scan", broken)
    result = await redact(Redactor(None), SECRET, pii=False)
    assert SECRET not in result.texts[0]
    assert result.counts == {"UNREADABLE": 1}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.lists(st.one_of(st.text(), st.sampled_from(sorted(TOKENS)).map(lambda kind: f" {TOKENS[kind][1]()} ")), max_size=6))
def test_any_texts_come_back_clean_and_stay_so(texts: list[str]) -> None:
    async def check() -> None:
        redactor = Redactor(None)
        once = await redact(redactor, *texts)
        assert len(once.texts) == len(texts)
        for text, clean in zip(texts, once.texts, strict=True):
            if text.startswith(" ") and any(text.strip().startswith(p) for p in ("ghp_", "sk-ant", "glpat", "AKIA", "lsv2_")):
                assert text.strip() not in clean
        assert (await redact(Redactor(None), *once.texts)).texts == once.texts

    asyncio.run(check())
