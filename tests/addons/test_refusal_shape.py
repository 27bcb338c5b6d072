import pytest

from addons.refusal_shape import Shape, shape_for


@pytest.mark.parametrize(
    ("agent", "provider", "status", "retry_after", "sent"),
    [
        ("OpenAI/Python 3.54.0", "openai", 402, None, 402),
        ("OpenAI/Python 3.54.0", "openai", 429, 40, 429),
        ("codex_exec/0.169.0 (Debian 12; x86_64)", "openai", 402, None, 400),
        ("codex_cli_rs/0.169.0", "openai", 429, 40, 400),
        ("codex_exec/0.169.0", "openai", 401, None, 401),
        ("claude-cli/2.1.330 (external, sdk-cli)", "anthropic", 403, None, 403),
        ("claude-cli/2.1.330 (external, sdk-cli)", "bedrock", 403, None, 400),
        ("GeminiCLI/0.61.0/gemini-2.5-pro (linux; x64)", "gemini", 429, 3600, 400),
        ("opencode/1.18.33", "anthropic", 503, 5, 400),
        ("Boto3/1.44.5 md/Botocore#1.44.5", "bedrock", 429, 40, 400),
        ("", None, 403, None, 403),
    ],
)
def test_what_a_client_shows_at_once(agent: str, provider: str | None, status: int, retry_after: int | None, sent: int):
    assert shape_for(agent, provider, status, retry_after) == Shape(sent, retry=False)


@pytest.mark.parametrize("agent", ["opencode/1.18.33", "codex_exec/0.169.0", "curl/7.88.1"])
def test_a_short_wait_is_left_to_the_client(agent: str):
    assert shape_for(agent, "openai", 503, 2) == Shape(503, retry=True)
