"""A real NER process, started once for each test process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sallyport.paths import DataDir
from sallyport.redaction.ner_client import NerClient
from sallyport.redaction.redactor import Redactor
from sallyport.settings import Settings


def start_ner(data_dir: Path) -> subprocess.Popen[bytes]:
    """A NER process that serves."""
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-O", "-m", "sallyport.redaction.ner_server"],
        stdin=subprocess.PIPE,
        pass_fds=[writing],
        env=os.environ | {"SALLYPORT_READY_FD": str(writing), "SALLYPORT_NER_NUMBER": "0"},
    )
    os.close(writing)
    assert process.stdin is not None
    process.stdin.write(Settings(data_dir=data_dir).model_dump_json().encode())
    process.stdin.close()
    with os.fdopen(reading) as pipe:
        assert pipe.readline() == "ready\n"
    return process


@pytest.fixture(scope="session")
def ner_socket() -> Iterator[Path]:
    """The socket of a NER process."""
    with tempfile.TemporaryDirectory(prefix="sallyport-ner-") as directory:
        process = start_ner(Path(directory))
        yield DataDir(Path(directory)).ner_socket(0)
        process.terminate()
        assert process.wait(timeout=10) == 0


@pytest.fixture
async def ner(ner_socket: Path) -> AsyncIterator[NerClient]:
    """A client of it; the model is loaded."""
    client = NerClient([ner_socket])
    await client.warm()
    yield client
    await client.close()


@pytest.fixture
def redactor(ner: NerClient) -> Redactor:
    """With names."""
    return Redactor(ner)
