import orjson
import pytest

from sallyport.providers import PROVIDERS
from sallyport.providers.base import JsonObject, WireFormat
from sallyport.providers.usage import Usage
from sallyport.providers.wire.openai_batch import BatchFile

ANTHROPIC: JsonObject = {
    "requests": [
        {"custom_id": "1", "params": {"model": "claude-haiku-4-5", "max_tokens": 100, "messages": []}},
        {"custom_id": "2", "params": {"model": "claude-haiku-4-5", "max_tokens": 50, "messages": []}},
    ]
}
GEMINI: JsonObject = {
    "batch": {"inputConfig": {"requests": {"requests": [{"request": {"generationConfig": {"maxOutputTokens": 70}}}]}}}
}


def wire_at(provider: str, path: str) -> WireFormat:
    operation = PROVIDERS[provider].operation("POST", path)
    assert operation is not None
    assert operation.wire is not None
    return operation.wire


@pytest.mark.parametrize(
    ("provider", "path", "body", "model", "output"),
    [
        ("anthropic", "/v1/messages/batches", ANTHROPIC, "claude-haiku-4-5", 150),
        ("gemini", "/v1beta/models/gemini-2.5-flash:batchGenerateContent", GEMINI, None, 70),
    ],
)
def test_requests_that_stand_in_a_batch(provider: str, path: str, body: JsonObject, model: str | None, output: int):
    wire = wire_at(provider, path)
    assert wire.counted(body)
    assert wire.model(body) == model
    assert wire.estimate(body, 300, (), worst=False) == Usage(100, output, service_tier="batch")
    assert wire.estimate(body, 300, (), worst=True) == Usage(300, output, service_tier="batch")


def test_a_batch_that_names_a_file_or_nothing_can_not_be_counted():
    assert not wire_at("gemini", "/v1beta/models/m:batchGenerateContent").counted({"batch": {"inputConfig": {"fileName": "f"}}})
    assert not wire_at("anthropic", "/v1/messages/batches").counted({"requests": []})


def test_requests_of_several_models_have_none():
    body = {"requests": [{"params": {"model": "a"}}, {"params": {"model": "b"}}]}
    assert wire_at("anthropic", "/v1/messages/batches").model(body) is None


def test_what_a_guard_leaves_alone_in_a_batch():
    wire = wire_at("anthropic", "/v1/messages/batches")
    entry: JsonObject = {"custom_id": "x", "params": {"model": "m", "system": "s"}}
    assert wire.protects("custom_id", entry)
    assert wire.protects("model", entry["params"])
    assert not wire.protects("system", entry["params"])


def test_a_batchs_file():
    file, operation = BatchFile(), PROVIDERS["openai"].operation
    lines = [
        {"custom_id": "1", "url": "/v1/chat/completions", "body": {"model": "gpt-4o-mini", "max_tokens": 10}},
        {"custom_id": "2", "url": "/v1/responses", "body": {"model": "gpt-4o-mini"}},
        {"custom_id": "3", "url": "/v1/embeddings", "body": {"model": "gpt-4o-mini", "input": "x"}},
    ]
    for line in lines:
        file.add(orjson.dumps(line), operation)
    size = sum(len(orjson.dumps(line)) for line in lines)
    assert (file.model, file.caps) == ("gpt-4o-mini", [10, None, 0])
    assert file.usage(worst=False) == Usage(-(-size // 3), 10 + 4096, service_tier="batch")
    assert file.usage(worst=True) == Usage(size, 10 + 128_000, service_tier="batch")


@pytest.mark.parametrize("line", [b"", b"x", b"[]", b'{"url": "/v1/models", "body": {"a": 1}}', b'{"url": "/v1/responses"}'])
def test_a_line_that_asks_for_nothing_is_none_of_a_batchs(line: bytes):
    file = BatchFile()
    file.add(line, PROVIDERS["openai"].operation)
    assert file == BatchFile()
