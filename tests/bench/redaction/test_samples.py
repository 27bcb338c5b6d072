"""The labelled set says truly what stands where, is the same every time, and its two parts share nobody."""

import re
import tomllib
from pathlib import Path

import pytest

from bench.redaction.measure import is_gone
from bench.redaction.samples import DATA, Label, Part, negatives, personal, secrets
from sallyport.redaction.finding import Finding


@pytest.mark.parametrize("part", ["tuned", "held"])
def test_every_slot_is_filled_and_labelled(part: Part) -> None:
    samples = [*personal(part), *secrets(part), *negatives()]
    assert {label.category for sample in samples for label in sample.labels} >= {"PERSON", "LOCATION", "NRP", "AGE", "SECRET"}
    for sample in samples:
        for text in sample.texts:
            assert re.search(r"<<[A-Z]", text) is None
        for label in sample.labels:
            value = sample.texts[label.text][label.start : label.end]
            assert value
            assert value == value.strip()


def test_there_are_28_kinds_of_secrets_or_more() -> None:
    assert len({label.kind for sample in secrets("held") for label in sample.labels}) >= 28


def test_it_is_the_same_every_time() -> None:
    assert list(personal("tuned")) == list(personal("tuned"))
    assert list(secrets("held")) == list(secrets("held"))


@pytest.mark.parametrize("pool", ["people", "places", "peoples"])
def test_the_parts_share_no_value(pool: str) -> None:
    tuned, held = (tomllib.loads(Path(DATA / part / "values.toml").read_text())[pool] for part in ("tuned", "held"))
    words = [{word for value in part for word in value.split("|")} for part in (tuned, held)]
    assert not words[0] & words[1]


def test_a_value_is_gone_only_when_no_letter_is_left() -> None:
    label = Label(0, 3, 13, "PERSON", "")
    assert is_gone("Hi John Smith!", label, [Finding(3, 7, "PERSON"), Finding(8, 13, "LOCATION")])
    assert not is_gone("Hi John Smith!", label, [Finding(3, 7, "PERSON")])
