from dataclasses import replace
from urllib.parse import quote

import pytest

from sallyport.providers.base import Surroundings
from sallyport.providers.bedrock import Bedrock, provider
from sallyport.secret import Secret

ID = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
PROFILE = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{ID}"
OWN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3"


@pytest.mark.parametrize(
    ("written", "model"),
    [
        (ID, ID),
        (ID.replace(":", "%3A"), ID),
        (ID.replace(":", "%3a"), ID),
        ("anthropic.claude-v2", "anthropic.claude-v2"),
        (PROFILE, ID),
        (PROFILE.replace(":", "%3A").replace("/", "%2F"), ID),
        ("arn:aws:bedrock:us-east-1::foundation-model/meta.llama3-70b-instruct-v1:0", "meta.llama3-70b-instruct-v1:0"),
        (OWN, OWN),
    ],
)
@pytest.mark.parametrize(
    ("action", "name", "wire", "stream"),
    [
        ("converse", "converse", "bedrock_converse", False),
        ("converse-stream", "converse", "bedrock_converse", True),
        ("invoke", "invoke", "bedrock_invoke", False),
        ("invoke-with-response-stream", "invoke", "bedrock_invoke", True),
        ("count-tokens", "count_tokens", None, False),
    ],
)
def test_model_paths(written: str, model: str, action: str, name: str, wire: str | None, stream: bool):
    operation = provider.operation("POST", f"/model/{written}/{action}")
    assert operation is not None
    assert (operation.name, operation.wire and operation.wire.name) == (name, wire)
    assert (operation.model, operation.stream) == (model, stream)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/inference-profiles", "inference_profiles"),
        (f"/inference-profiles/{ID}", "inference_profiles"),
        ("/foundation-models", "models"),
        ("/foundation-models/meta.llama3-70b-instruct-v1%3A0", "models"),
    ],
)
def test_the_lists_of_the_control_plane(path: str, name: str):
    operation = provider.operation("GET", path)
    assert operation is not None
    assert (operation.name, operation.wire) == (name, None)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/model/{ID}/invoke"),
        ("POST", "/model/../invoke"),
        ("POST", "/model/a/../b/invoke"),
        ("POST", "/model/a%2Fb/invoke"),
        ("POST", "/model/a%2f..%2fb/invoke"),
        ("POST", "/model//invoke"),
        ("POST", "/model/a/b/invoke"),
        ("POST", "/model/a;b/invoke"),
        ("POST", "/model/a/invoke/"),
        ("POST", "/model/arn:aws:s3:::bucket/key/invoke"),
        ("POST", "/model/arn:aws:bedrock:us-east-1:1:inference-profile/../invoke"),
        ("POST", "/model/a/invoke-with-bidirectional-stream"),
        ("POST", "/guardrails"),
        ("POST", "/foundation-model-agreement"),
        ("DELETE", f"/inference-profiles/{ID}"),
    ],
)
def test_any_other_path_gets_no_key(method: str, path: str):
    assert provider.operation(method, path) is None


def test_base_path_calls_go_to_the_configured_region():
    bedrock = Bedrock()
    assert bedrock.host_for(f"/model/{ID}/invoke") == "bedrock-runtime.us-east-1.amazonaws.com"
    bedrock.configure(Surroundings(bedrock_region="eu-west-1"))
    assert bedrock.host_for(f"/model/{ID}/invoke") == "bedrock-runtime.eu-west-1.amazonaws.com"
    assert bedrock.host_for("/inference-profiles") == "bedrock.eu-west-1.amazonaws.com"


async def test_authorization():
    assert await provider.authorize(Secret("ABSK1")) == {"authorization": "Bearer ABSK1"}
    assert "x-amz-signature" in provider.credential_query


@pytest.mark.parametrize(
    ("path", "model", "fits"),
    [
        ("/model/amazon.nova-pro-v1%3A0/converse", "us.anthropic.claude-haiku-4-5-20251001-v1:0", True),
        ("/model/us.anthropic.claude-sonnet-4-5-v1:0/invoke", "anthropic.claude-haiku-4-5-20251001-v1:0", True),
        ("/model/openai.gpt-oss-120b-1:0/invoke", "openai.gpt-5.6-sol", True),
        ("/model/us.anthropic.claude-sonnet-4-5-v1:0/invoke-with-response-stream", "amazon.nova-pro-v1:0", False),
        ("/model/us.anthropic.claude-sonnet-4-5-v1:0/invoke", "no model", False),
        (f"/model/{quote(OWN, safe=':')}/invoke", "amazon.nova-pro-v1:0", False),
    ],
)
def test_another_model_takes_the_place_of_one_that_reads_the_same_body(path: str, model: str, fits: bool) -> None:
    before, changed = provider.operation("POST", path), provider.with_model(path, model)
    after = provider.operation("POST", changed) if changed else None
    assert before is not None
    assert after == (replace(before, model=model) if fits else None)
