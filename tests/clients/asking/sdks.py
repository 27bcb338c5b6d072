"""Each Python SDK as its users call it, configured by the environment alone.

Asks one prompt, and prints the answer's text or tool call. Run by the Python that `install` made, whose SDKs are newer than
those of `.venv`. Without arguments it reads tasks, a JSON object a line, and does each in a fork: the SDKs are loaded once.

    python sdks.py openai text "hi"
"""

# pyright: basic
# pyright: reportMissingImports=false, reportArgumentType=false, reportCallIssue=false, reportPrivateImportUsage=false
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
from __future__ import annotations

import json
import os
import signal
import sys
import tempfile

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # it would fetch a newer one while it is imported

import anthropic
import boto3
import litellm
import openai
from google import genai
from google.oauth2.credentials import Credentials
from langchain_anthropic import ChatAnthropic
from langchain_aws import ChatBedrockConverse
from langchain_core.utils._gateway import langsmith_gateway
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_openai import ChatOpenAI

_LONGEST = 60
"""Seconds for one prompt."""
_CLAUDE, _GPT, _GEMINI = "claude-haiku-4-5", "gpt-5-mini", "gemini-2.5-flash"
_CLAUDE_ON_BEDROCK = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
_PARAMETERS = {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]}
_FUNCTION = {"name": "get_weather", "description": "The weather at a place", "parameters": _PARAMETERS}
_OPENAI_TOOLS = [{"type": "function", "function": _FUNCTION}]


def _called(name, arguments) -> str:
    return f"{name} {arguments if isinstance(arguments, str) else json.dumps(arguments)}"


def _messages(prompt: str):
    return [{"role": "user", "content": prompt}]


def _chat(create, model, kind, prompt):
    """Chat completions, of OpenAI's SDK or LiteLLM."""
    options = {"tools": _OPENAI_TOOLS} if kind == "tool" else {}
    answer = create(model=model, messages=_messages(prompt), stream=kind == "stream", **options)
    if kind == "stream":
        return "".join(chunk.choices[0].delta.content or "" for chunk in answer if chunk.choices)
    message = answer.choices[0].message
    return message.content or _called(message.tool_calls[0].function.name, message.tool_calls[0].function.arguments)


def openai_chat(kind, prompt):
    return _chat(openai.OpenAI().chat.completions.create, _GPT, kind, prompt)


def openai_responses(kind, prompt):
    options = {"tools": [{"type": "function", **_FUNCTION}]} if kind == "tool" else {}
    answer = openai.OpenAI().responses.create(model=_GPT, input=prompt, stream=kind == "stream", **options)
    if kind == "stream":
        return "".join(event.delta for event in answer if event.type == "response.output_text.delta")
    calls = [item for item in answer.output if item.type == "function_call"]
    return _called(calls[0].name, calls[0].arguments) if calls else answer.output_text


def _claude(api, model, kind, prompt):
    tool = {"name": "get_weather", "description": _FUNCTION["description"], "input_schema": _PARAMETERS}
    options = {"tools": [tool]} if kind == "tool" else {}
    if kind == "stream":
        with api.messages.stream(model=model, max_tokens=200, messages=_messages(prompt)) as stream:
            return stream.get_final_text()
    block = api.messages.create(model=model, max_tokens=200, messages=_messages(prompt), **options).content[0]
    return block.text if block.type == "text" else _called(block.name, block.input)


def claude(kind, prompt):
    return _claude(anthropic.Anthropic(), _CLAUDE, kind, prompt)


def claude_on_vertex(kind, prompt):
    token = os.environ["VERTEX_TOKEN"]
    return _claude(anthropic.AnthropicVertex(project_id="p", region="us-east5", access_token=token), _CLAUDE, kind, prompt)


def claude_on_bedrock(kind, prompt):
    return _claude(anthropic.AnthropicBedrock(aws_region="us-east-1"), _CLAUDE_ON_BEDROCK, kind, prompt)


def _gemini(api, kind, prompt):
    config = {"tools": [{"function_declarations": [_FUNCTION]}]} if kind == "tool" else None
    if kind == "stream":
        return "".join(chunk.text for chunk in api.models.generate_content_stream(model=_GEMINI, contents=prompt))
    answer = api.models.generate_content(model=_GEMINI, contents=prompt, config=config)
    return _called(answer.function_calls[0].name, answer.function_calls[0].args) if answer.function_calls else answer.text


def gemini(kind, prompt):
    return _gemini(genai.Client(), kind, prompt)


def gemini_on_vertex(kind, prompt):
    for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY"):
        os.environ.pop(name, None)  # would win over the credentials
    credentials = Credentials(token=os.environ["VERTEX_TOKEN"])
    return _gemini(genai.Client(vertexai=True, project="p", location="us-central1", credentials=credentials), kind, prompt)


def converse(kind, prompt):
    bedrock = boto3.client("bedrock-runtime", region_name="us-east-1")
    specification = {"name": "get_weather", "inputSchema": {"json": _PARAMETERS}}
    options = {"toolConfig": {"tools": [{"toolSpec": specification}]}} if kind == "tool" else {}
    request = {"modelId": _CLAUDE_ON_BEDROCK, "messages": [{"role": "user", "content": [{"text": prompt}]}], **options}
    if kind == "stream":
        events = bedrock.converse_stream(**request)["stream"]
        return "".join(event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event)
    block = bedrock.converse(**request)["output"]["message"]["content"][0]
    return block["text"] if "text" in block else _called(block["toolUse"]["name"], block["toolUse"]["input"])


def _langchain(model, kind, prompt):
    if kind == "stream":
        return "".join(chunk.text for chunk in model.stream(prompt))
    answer = (model.bind_tools([_OPENAI_TOOLS[0]]) if kind == "tool" else model).invoke(prompt)
    return _called(answer.tool_calls[0]["name"], answer.tool_calls[0]["args"]) if answer.tool_calls else answer.text


def langchain_openai(kind, prompt):
    return _langchain(ChatOpenAI(model=_GPT), kind, prompt)


def langchain_anthropic(kind, prompt):
    return _langchain(ChatAnthropic(model=_CLAUDE), kind, prompt)


def langchain_google(kind, prompt):
    return _langchain(ChatGoogleGenerativeAI(model=_GEMINI), kind, prompt)


def langchain_aws(kind, prompt):
    return _langchain(ChatBedrockConverse(model=_CLAUDE_ON_BEDROCK, region_name="us-east-1"), kind, prompt)


def in_gateway_context(kind, prompt):
    """LangChain's switch for a part of a program, where LANGSMITH_GATEWAY is for all of it."""
    with langsmith_gateway(api_key=os.environ["LANGSMITH_GATEWAY_API_KEY"], base_url=os.environ.pop("LANGSMITH_GATEWAY")):
        model = ChatAnthropic(model=_CLAUDE)
    return _langchain(model, kind, prompt)


def litellm_openai(kind, prompt):
    return _chat(litellm.completion, f"openai/{_GPT}", kind, prompt)


def litellm_anthropic(kind, prompt):
    return _chat(litellm.completion, f"anthropic/{_CLAUDE}", kind, prompt)


SDKS = {
    "openai": openai_chat,
    "openai-responses": openai_responses,
    "anthropic": claude,
    "anthropic-vertex": claude_on_vertex,
    "anthropic-bedrock": claude_on_bedrock,
    "google-genai": gemini,
    "google-genai-vertex": gemini_on_vertex,
    "boto3": converse,
    "langchain-openai": langchain_openai,
    "langchain-anthropic": langchain_anthropic,
    "langchain-google-genai": langchain_google,
    "langchain-aws": langchain_aws,
    "langsmith-gateway": in_gateway_context,
    "litellm-openai": litellm_openai,
    "litellm-anthropic": litellm_anthropic,
}


def ask(sdk: str, kind: str, prompt: str) -> int:
    """Prints the answer, or what its user reads when there is none. Returns the exit status."""
    try:
        sys.stdout.write(f"{SDKS[sdk](kind, prompt)}\n")
    except Exception as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0


def _do(task) -> dict[str, object]:
    """One task, in a fork of this process."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        child = os.fork()
        if child == 0:
            os.dup2(output.fileno(), 1)
            os.dup2(errors.fileno(), 2)
            signal.alarm(_LONGEST)
            os.environ.clear()
            os.environ.update(task["environment"])
            status = ask(*task["arguments"])
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        for file in (output, errors):
            file.seek(0)
        return {"status": status, "output": output.read().decode(), "errors": errors.read().decode()}


if __name__ == "__main__":
    if len(sys.argv) == 4:
        sys.exit(ask(*sys.argv[1:]))
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_do(json.loads(line))) + "\n")
        sys.stdout.flush()
