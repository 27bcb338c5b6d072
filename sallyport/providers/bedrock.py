"""Amazon Bedrock (https://docs.aws.amazon.com/bedrock/latest/APIReference), with an API key as bearer token or signed by us.

What a caller signed is verified against nothing: its keys are its own matter, and its signature would not hold for what is sent.

Of the control plane what lists models, and batches, are in the table. What buys, trains or administers is not, so that it gets no
key of ours; nor is InvokeModelWithBidirectionalStream, each of whose messages its caller has to sign.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from sallyport.providers.base import ErrorAnswer, Operation, Provider, Surroundings, Upstream
from sallyport.providers.bedrock_keys import SECRET_NAME, BedrockKeys
from sallyport.providers.bedrock_signing import BedrockSigner
from sallyport.providers.errors import aws_error
from sallyport.providers.regions import AWS_REGIONS
from sallyport.providers.routes import Route, Routes, route
from sallyport.providers.signing import Signer
from sallyport.providers.wire.bedrock_converse import BedrockConverse
from sallyport.providers.wire.bedrock_invoke import BedrockInvoke
from sallyport.providers.wire.stored import Stored
from sallyport.secret import Secret

_CONVERSE, _INVOKE = BedrockConverse(), BedrockInvoke()
_STORED = Stored()
_MODELS, _PROFILES = Operation("models"), Operation("inference_profiles")
_GUARDRAIL = Operation("guardrails", shape=_STORED, uncounted=True)  # priced by the unit of text
_JOBS, _ASYNC = Operation("batches", shape=_STORED), Operation("async_invoke", shape=_STORED)

_ID = r"[A-Za-z0-9](?:[A-Za-z0-9._-]|:|%3[Aa])*"  # `us.anthropic.claude-sonnet-4-5-20250929-v1:0`
_COLON, _SLASH = r"(?::|%3[Aa])", r"(?:/|%2[Ff])"
_RESOURCES = (
    "application-inference-profile|custom-model|custom-model-deployment|default-prompt-router|foundation-model|imported-model"
    "|inference-profile|prompt-router|provisioned-model"
)
_ARN = rf"arn{_COLON}aws[a-z-]*{_COLON}bedrock{_COLON}[a-z0-9-]+{_COLON}[0-9]*{_COLON}(?:{_RESOURCES}){_SLASH}{_ID}"
_GEOGRAPHIES = ("us", "us-gov", "eu", "apac", "jp", "au", "ca", "global")  # of cross-region inference profiles
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-[0-9]{1,2}")
_ANY_ARN = rf"arn{_COLON}aws[a-z-]*{_COLON}bedrock{_COLON}[a-z0-9-]+{_COLON}[0-9]*{_COLON}[a-z-]+{_SLASH}{_ID}"
_KINDS = "custom-models|imported-models|prompt-routers|provisioned-model-throughputs?"
_CONTROL_PLANE = re.compile(rf"/(?:foundation-model|inference-profiles|model-invocation-job|guardrails|{_KINDS})")
_NAMES_MODEL = ("foundation-model", "inference-profile")  # kinds of ARN whose id is the model's


def _vendor(model: str | None) -> str | None:
    """`us.anthropic.claude-haiku-4-5` → `anthropic`; None where the id names none."""
    geography, _, rest = (model or "").partition(".")
    vendor, dot, _ = (rest if geography in _GEOGRAPHIES else model or "").partition(".")
    return vendor if dot else None


def _model(action: str, operation: Operation) -> Route:
    return route("POST", "/model/{model}/" + action, operation, model=f"{_ARN}|{_ID}")


_ROUTES = Routes(
    _model("converse", Operation("converse", _CONVERSE)),
    _model("converse-stream", Operation("converse", _CONVERSE, stream=True)),
    _model("invoke", Operation("invoke", _INVOKE)),
    _model("invoke-with-response-stream", Operation("invoke", _INVOKE, stream=True)),
    _model("count-tokens", Operation("count_tokens", shape=_CONVERSE)),
    route("GET", "/foundation-models", _MODELS),
    route("GET", "/foundation-models/{id}", _MODELS, id=_ID),
    route("GET", "/inference-profiles", _PROFILES),
    route("GET", "/inference-profiles/{id}", _PROFILES, id=f"{_ARN}|{_ID}"),
    route("GET", "/foundation-model-availability/{id}", _MODELS, id=_ID),
    route("GET", "/{kind}", _MODELS, kind=_KINDS),
    route("GET", "/{kind}/{id}", _MODELS, kind=_KINDS, id=f"{_ANY_ARN}|{_ID}"),
    route("GET", "/guardrails{rest}", Operation("guardrails"), rest=f"(?:/(?:{_ANY_ARN}|{_ID}))?"),
    route("POST", "/guardrail/{id}/version/{version}/apply", _GUARDRAIL, id=f"{_ANY_ARN}|{_ID}"),
    route("POST", "/guardrail-checks/invoke", _GUARDRAIL),
    route("POST", "/model-invocation-job", replace(_JOBS, uncounted=True)),  # what it reads is in S3
    route("GET", "/model-invocation-jobs", _JOBS),
    route("GET", "/model-invocation-job/{id}", _JOBS, id=f"{_ANY_ARN}|{_ID}"),
    route("POST", "/model-invocation-job/{id}/stop", _JOBS, id=f"{_ANY_ARN}|{_ID}"),
    route("POST", "/async-invoke", replace(_ASYNC, uncounted=True)),  # videos, priced by the second
    route("GET", "/async-invoke", _ASYNC),
    route("GET", "/async-invoke/{id}", _ASYNC, id=f"{_ANY_ARN}|{_ID}"),
)


def _host(region: str, path: str) -> str:
    """Models on the runtime, lists of them and batches on the control plane."""
    service = "bedrock" if _CONTROL_PLANE.match(path) else "bedrock-runtime"
    return f"{service}.{region}.amazonaws.com"


class Bedrock(Provider):
    name = "bedrock"
    secret_names = ("AWS_BEARER_TOKEN_BEDROCK", SECRET_NAME)
    token_service = "sts"  # noqa: S105 - a name
    listed_as = "aws"
    # `??-*` is a region and never `s3` or `s3-…`: anyone may own a bucket `bedrock`, and S3 shows what it was sent.
    hosts = ("bedrock-runtime.??-*.amazonaws.com", "bedrock-runtime-fips.??-*.amazonaws.com", "bedrock.??-*.amazonaws.com")
    name_constraints = tuple(
        f"{service}.{region}.amazonaws.com"
        for region in AWS_REGIONS
        for service in ("bedrock-runtime", "bedrock-runtime-fips", "bedrock")
    )
    credential_query = Provider.credential_query | {
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-security-token",
        "x-amz-signature",
        "x-amz-signedheaders",
    }

    def __init__(self) -> None:
        self._signer = BedrockSigner()

    def configure(self, around: Surroundings) -> None:
        self._signer.region = around.bedrock_region
        self._signer.roles.ca_bundle, self._signer.roles.proxy = around.ca_bundle, around.proxy

    def host_for(self, path: str) -> str:
        return _host(self._signer.region, path)

    def host_at(self, place: str, path: str) -> str | None:
        return _host(place, path) if _REGION.fullmatch(place) else None

    def operation(self, method: str, path: str) -> Operation | None:
        operation = _ROUTES.match(method, path)
        if operation is None or operation.model is None or not operation.model.startswith("arn:"):
            return operation
        kind, _, name = operation.model.split(":", 5)[5].partition("/")
        return replace(operation, model=name) if kind in _NAMES_MODEL else operation

    def with_model(self, path: str, model: str) -> str | None:
        """InvokeModel's bodies are each vendor's own, so that there a model takes the place of its vendor's alone."""
        changed = _ROUTES.with_model(path, model)
        before, after = (self.operation("POST", one) for one in (path, changed or ""))
        if before and after and before.wire is _INVOKE and _vendor(before.model) != _vendor(after.model):
            return None
        return changed

    async def authorize(self, secret: Secret, token_endpoint: Upstream | None = None) -> Mapping[str, str]:
        return {"authorization": f"Bearer {secret.reveal()}"}

    def signer(self, secret_name: str) -> Signer | None:
        return self._signer if secret_name == SECRET_NAME else None

    def check_secret(self, secret_name: str, secret: Secret) -> None:
        if secret_name == SECRET_NAME:
            BedrockKeys.of(secret)

    def error(self, status: int, message: str) -> ErrorAnswer:
        return aws_error(status, message)


provider = Bedrock()
