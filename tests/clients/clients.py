"""The clients, one description each: what `matrix` measures and the tests assert."""

from __future__ import annotations

from tests.clients.client import Client

_QUIET = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
_BEDROCK_MODELS = {  # without these it tries a dozen models, to see which it may use
    "CLAUDE_CODE_USE_BEDROCK": "1",
    "ANTHROPIC_MODEL": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "ANTHROPIC_DEFAULT_SONNET_MODEL": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "ANTHROPIC_DEFAULT_OPUS_MODEL": "us.anthropic.claude-opus-4-5-20251101-v1:0",
    "ANTHROPIC_DEFAULT_HAIKU_MODEL": "us.anthropic.claude-haiku-4-5-20251001-v1:0",
}
_OPENCODE = ("opencode", "run", "-m")

CLAUDE = Client("Claude Code", "claude", "anthropic", ("claude", "-p", "{prompt}"), _QUIET, agent=True)
CODEX = Client(
    "Codex",
    "codex",
    "openai",
    ("codex", "exec", "--skip-git-repo-check", "{prompt}"),
    requests=2,
    agent=True,
    note="By WebSocket: its first message prepares, costs nothing, and is for no answer.",
)

AGENTS = (
    CLAUDE,
    Client(
        "Claude Code on Bedrock",
        "claude-bedrock",
        "bedrock",
        ("claude", "-p", "{prompt}"),
        _QUIET | _BEDROCK_MODELS,
        agent=True,
        note="With its models named. Else it first asks a dozen of them for one token each.",
    ),
    CODEX,
    Client(
        "Gemini CLI",
        "gemini-cli",
        "gemini",
        ("gemini", "-p", "{prompt}"),
        requests=2,
        agent=True,
        note="One request chooses the model, one is for the answer.",
    ),
    Client(
        "opencode",
        "opencode",
        "anthropic",
        (*_OPENCODE, "anthropic/claude-haiku-4-5", "{prompt}"),
        requests=2,
        agent=True,
        note="One request is for the session's title.",
    ),
    Client("opencode on OpenAI", "opencode", "openai", (*_OPENCODE, "openai/gpt-5-mini", "{prompt}"), requests=2, agent=True),
)


def _sdk(name: str, recipe: str, provider: str, function: str, **options: object) -> Client:
    return Client(name, recipe, provider, ("sdk", function, "{kind}", "{prompt}"), **options)  # pyright: ignore[reportArgumentType]


SDKS = (
    _sdk("openai, chat", "openai", "openai", "openai"),
    _sdk("openai, responses", "openai", "openai", "openai-responses"),
    _sdk("anthropic", "anthropic", "anthropic", "anthropic"),
    _sdk("AnthropicVertex", "anthropic-vertex", "vertex", "anthropic-vertex"),
    _sdk("AnthropicBedrock", "anthropic-bedrock", "bedrock", "anthropic-bedrock"),
    _sdk("google-genai", "google-genai", "gemini", "google-genai"),
    _sdk("google-genai, Vertex", "google-genai-vertex", "vertex", "google-genai-vertex"),
    _sdk("boto3", "boto3", "bedrock", "boto3"),
    _sdk("langchain-openai", "openai", "openai", "langchain-openai"),
    _sdk("langchain-anthropic", "anthropic", "anthropic", "langchain-anthropic"),
    _sdk("langchain-google-genai", "google-genai", "gemini", "langchain-google-genai"),
    _sdk("langchain-aws", "boto3", "bedrock", "langchain-aws"),
    _sdk("LANGSMITH_GATEWAY, OpenAI", "langchain", "openai", "langchain-openai", ways=("base_url",)),
    _sdk("LANGSMITH_GATEWAY, Gemini", "langchain", "gemini", "langchain-google-genai", ways=("base_url",)),
    _sdk("langsmith_gateway()", "langchain", "anthropic", "langsmith-gateway", ways=("base_url",)),
    _sdk("litellm, OpenAI", "litellm", "openai", "litellm-openai"),
    _sdk("litellm, Anthropic", "litellm", "anthropic", "litellm-anthropic"),
)

_PLAIN = ("{kind}", "{prompt}")
PROGRAMS = (
    Client("curl", "openai", "openai", ("curl", *_PLAIN)),
    Client("Node fetch", "openai", "openai", ("node", *_PLAIN)),
    Client("Go net/http", "openai", "openai", ("go", *_PLAIN)),
    Client(
        "Java java.net.http",
        "openai",
        "openai",
        ("java", *_PLAIN),
        keyed="OPENAI_API_KEY",
        note="It sends a proxy no credentials from its environment, so the gateway key stands where the provider's would.",
    ),
)

CLIENTS = AGENTS + SDKS + PROGRAMS
