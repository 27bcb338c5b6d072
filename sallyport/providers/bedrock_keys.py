"""The secret AWS_CREDENTIALS_JSON: access keys that requests to Bedrock are signed with, or that a role is assumed with."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sallyport.providers.base import CredentialError
from sallyport.secret import Secret

SECRET_NAME = "AWS_CREDENTIALS_JSON"  # noqa: S105 - its name


class BedrockKeys(BaseModel):
    """The characters that each field may have are AWS's (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html);
    none of them could change a URL or a header."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    access_key_id: str = Field(pattern=r"^[A-Za-z0-9_]{16,128}$")
    secret_access_key: str = Field(pattern=r"^[A-Za-z0-9/+=_-]{16,128}$", repr=False)
    session_token: str | None = Field(default=None, pattern=r"^[A-Za-z0-9/+=_-]{1,8192}$", repr=False)
    role_arn: str | None = Field(default=None, pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]{1,512}$")
    """The role to assume; without it the keys sign themselves."""
    external_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_+=,.@:/-]{2,1224}$")
    region: str | None = Field(default=None, pattern=r"^[a-z]{2}(?:-[a-z]+)+-[0-9]{1,2}$")
    """Where the role is assumed, and what is signed for where a host's name does not say its region."""

    @classmethod
    def of(cls, secret: Secret) -> Self:
        """Raises CredentialError, which names the field and holds none of its value."""
        try:
            return cls.model_validate_json(secret.reveal())
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        if not first["loc"]:
            raise CredentialError(f"{SECRET_NAME} is no JSON object; its fields are {', '.join(cls.model_fields)}")
        field = str(first["loc"][0])
        if field not in cls.model_fields:
            raise CredentialError(f"{SECRET_NAME} has a field that is not known; its fields are {', '.join(cls.model_fields)}")
        problem = "is missing" if first["type"] == "missing" else "is not as AWS spells it"
        raise CredentialError(f"the `{field}` of {SECRET_NAME} {problem}")
