"""The declared providers: where each path leads, and who gets which credential."""

import pytest

from sallyport.declaration import Declaration
from sallyport.providers import PROVIDERS, load_providers, provider_for_host
from sallyport.providers.base import Upstream
from sallyport.providers.declared import DeclaredProvider, shipped
from sallyport.secret import Secret

DECLARED = [name for name, _ in shipped()]


def test_a_dozen_come_along():
    assert set(DECLARED) == {
        *("azure", "cerebras", "cohere", "deepseek", "groq", "mistral", "ollama", "openrouter", "perplexity", "together", "vllm"),
        "xai",
    }


@pytest.mark.parametrize(
    ("name", "path", "operation", "wire", "model"),
    [
        ("azure", "/openai/deployments/my-gpt/chat/completions", "chat", "openai_chat", "my-gpt"),
        ("azure", "/openai/deployments/ada/embeddings", "embeddings", "openai_embeddings", "ada"),
        ("azure", "/openai/v1/responses", "responses", "openai_responses", None),
        ("azure", "/openai/responses", "responses", "openai_responses", None),
        ("mistral", "/v1/chat/completions", "chat", "openai_chat", None),
        ("mistral", "/v1/fim/completions", "chat", "openai_chat", None),
        ("mistral", "/v1/ocr", "ocr", None, None),
        ("groq", "/openai/v1/chat/completions", "chat", "openai_chat", None),
        ("groq", "/openai/v1/responses", "responses", "openai_responses", None),
        ("deepseek", "/chat/completions", "chat", "openai_chat", None),
        ("deepseek", "/v1/chat/completions", "chat", "openai_chat", None),
        ("deepseek", "/beta/completions", "completions", "openai_chat", None),
        ("deepseek", "/anthropic/v1/messages", "messages", "anthropic_messages", None),
        ("xai", "/v1/chat/completions", "chat", "openai_chat", None),
        ("xai", "/v1/messages", "messages", "anthropic_messages", None),
        ("openrouter", "/api/v1/chat/completions", "chat", "openai_chat", None),
        ("openrouter", "/api/v1/messages", "messages", "anthropic_messages", None),
        ("together", "/v1/rerank", "rerank", "openai_embeddings", None),
        ("cohere", "/v2/chat", "chat", "cohere_chat", None),
        ("cohere", "/v2/embed", "embeddings", "cohere_embed", None),
        ("cohere", "/v2/rerank", "rerank", None, None),
        ("cohere", "/compatibility/v1/chat/completions", "chat", "openai_chat", None),
        ("perplexity", "/chat/completions", "chat", "openai_chat", None),
        ("perplexity", "/search", "search", None, None),
        ("cerebras", "/v1/chat/completions", "chat", "openai_chat", None),
        ("ollama", "/v1/chat/completions", "chat", "openai_chat", None),
        ("ollama", "/api/chat", "chat", "ollama", None),
        ("vllm", "/v1/chat/completions", "chat", "openai_chat", None),
        ("vllm", "/v1/messages", "messages", "anthropic_messages", None),
    ],
)
def test_paths(name: str, path: str, operation: str, wire: str | None, model: str | None):
    found = PROVIDERS[name].operation("POST", path)
    assert found is not None
    assert (found.name, found.wire and found.wire.name, found.model) == (operation, wire, model)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("azure", "/openai/deployments/a%2fb/chat/completions"),
        ("azure", "/openai/deployments//chat/completions"),
        ("groq", "/v1/chat/completions"),
        ("openrouter", "/api/v1/keys"),
        ("openrouter", "/settings/keys"),
        ("ollama", "/api/delete"),
        ("ollama", "/api/pull"),
        ("xai", "/v1/../v1/chat/completions"),
    ],
)
def test_any_other_path_gets_no_key(name: str, path: str):
    assert PROVIDERS[name].operation("POST", path) is None


@pytest.mark.parametrize(
    ("name", "host", "secret"),
    [
        ("azure", "acme.openai.azure.com", "AZURE_OPENAI_API_KEY"),
        ("mistral", "api.mistral.ai", "MISTRAL_API_KEY"),
        ("groq", "api.groq.com", "GROQ_API_KEY"),
        ("deepseek", "api.deepseek.com", "DEEPSEEK_API_KEY"),
        ("xai", "api.x.ai", "XAI_API_KEY"),
        ("openrouter", "openrouter.ai", "OPENROUTER_API_KEY"),
        ("together", "api.together.ai", "TOGETHER_API_KEY"),
        ("together", "api.together.xyz", "TOGETHER_API_KEY"),
        ("cohere", "api.cohere.com", "CO_API_KEY"),
        ("perplexity", "api.perplexity.ai", "PERPLEXITY_API_KEY"),
        ("cerebras", "api.cerebras.ai", "CEREBRAS_API_KEY"),
    ],
)
def test_hosts_and_secrets(name: str, host: str, secret: str):
    provider = provider_for_host(host)
    assert provider is not None
    assert (provider.name, provider.secret_names) == (name, (secret,))
    assert provider.upstream("/", host) == Upstream("https", host, 443)


@pytest.mark.parametrize("host", ["azure.com", "evil.azure.com", "a.b.openai.azure.com", "localhost", "127.0.0.1"])
def test_hosts_of_none(host: str):
    assert provider_for_host(host) is None


def test_only_the_operator_knows_where_the_local_ones_are():
    assert [name for name in DECLARED if PROVIDERS[name].upstream("/v1/models") is None] == ["azure", "ollama", "vllm"]


@pytest.mark.parametrize(
    ("auth", "headers"),
    [("bearer", {"authorization": "Bearer s3cr3t"}), ("x-api-key", {"x-api-key": "s3cr3t"}), ("api-key", {"api-key": "s3cr3t"})],
)
async def test_where_the_credential_goes(auth: str, headers: dict[str, str]):
    declared = Declaration.model_validate({"auth": auth, "secret": "S", "wire_formats": {"": "openai"}})
    assert await DeclaredProvider("acme", declared).authorize(Secret("s3cr3t")) == headers


def test_the_base_url_keeps_its_scheme_and_port_for_its_own_host_alone():
    base = {"base_url": "https://llm.acme.example:8443", "hosts": ["eu.acme.example"]}
    acme = DeclaredProvider("acme", Declaration.model_validate(base | {"auth": "none", "wire_formats": {"": "openai"}}))
    assert acme.upstream("/") == acme.upstream("/", "llm.acme.example") == Upstream("https", "llm.acme.example", 8443)
    assert acme.upstream("/", "eu.acme.example") == Upstream("https", "eu.acme.example", 443)


def test_an_error_has_the_shape_of_the_first_wire_format():
    declared = Declaration.model_validate({"auth": "none", "wire_formats": {"/a": "anthropic", "/a/v1": "openai"}})
    assert b'"type":"error"' in DeclaredProvider("acme", declared).error(403, "no").body


def test_googles_system_parameters_are_watched_where_its_format_is_spoken():
    declared = Declaration.model_validate({"auth": "none", "wire_formats": {"": "google"}})
    assert DeclaredProvider("acme", declared).reshapes("alt", "proto")
    assert not PROVIDERS["groq"].reshapes("alt", "proto")


def test_loading_again_forgets_the_former_ones():
    declared = Declaration.model_validate({"auth": "none", "wire_formats": {"": "openai"}, "hosts": ["llm.acme.example"]})
    try:
        assert "acme" in load_providers({"acme": declared})
        assert provider_for_host("llm.acme.example") is not None
    finally:
        assert "acme" not in load_providers()
    assert provider_for_host("llm.acme.example") is None
