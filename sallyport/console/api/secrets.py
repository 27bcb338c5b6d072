"""`/v1/workspaces/{id}/secrets`: provider credentials. They are put in and never come out."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from fastapi import Path as PathParameter
from pydantic import Field, SecretStr

from sallyport.console.api.route import ApiRoute
from sallyport.console.api.types import Answer, Body, Id, ListOf, Time
from sallyport.console.auth import Manager, Reader
from sallyport.console.errors import responses
from sallyport.secret import Secret
from sallyport.store.errors import Invalid, NotFound
from sallyport.store.models import SecretInfo
from sallyport.store.provider_secrets import NewSecretKey

router = APIRouter(
    prefix="/v1/workspaces/{id}/secrets", tags=["secrets"], responses=responses(400, 401, 403, 404, 503), route_class=ApiRoute
)

SecretName = Annotated[str, PathParameter(max_length=100, examples=["OPENAI_API_KEY"])]


class SecretKeyOut(Answer):
    label: str = Field(examples=["default"])
    weight: int = Field(examples=[1])
    created_at: Time
    updated_at: Time


class SecretOut(Answer):
    workspace_id: str = Field(examples=["default"])
    name: str = Field(examples=["OPENAI_API_KEY"])
    created_at: Time
    updated_at: Time
    keys: list[SecretKeyOut]


class SecretKeyIn(Body):
    value: SecretStr = Field(examples=["sk-…"])
    label: str = Field(examples=["team-a"])
    weight: int = Field(1, description="How much of the calls it gets, beside the others.", examples=[3])


class SecretIn(Body):
    """Either the one key, or a pool of several."""

    value: SecretStr | None = Field(None, description="The credential. No answer ever shows it.", examples=["sk-…"])
    values: list[SecretKeyIn] | None = Field(None, description="Several, each with its label and weight.", examples=[None])


@router.put("/{name}", response_model=SecretOut)
def put_secret(admin: Manager, id: Id, name: SecretName, body: SecretIn) -> SecretInfo:
    """Stores the secret's one key or its pool, and replaces what was there; workers use it within a second."""
    if (body.value is None) == (body.values is None):
        raise Invalid("value: give the one key as value, or several as values")
    if body.value is not None:
        return admin.shows(admin.store.put_secret(admin, id, name, Secret(body.value.get_secret_value())))
    keys = (NewSecretKey(Secret(key.value.get_secret_value()), key.label, key.weight) for key in body.values or ())
    return admin.shows(admin.store.put_secret(admin, id, name, *keys))


@router.get("", response_model=ListOf[SecretOut])
def list_secrets(admin: Reader, id: Id) -> dict[str, Any]:
    """Names and times of a workspace's secrets."""
    return {"items": admin.store.list_secrets(id)}


@router.get("/{name}", response_model=SecretOut)
def get_secret(admin: Reader, id: Id, name: SecretName) -> SecretInfo:
    """Name and times of one secret."""
    for secret in admin.store.list_secrets(id):
        if secret.name == name:
            return admin.shows(secret)
    raise NotFound(f"the workspace has no secret {name!r}")


@router.delete("/{name}", status_code=204)
def delete_secret(admin: Manager, id: Id, name: SecretName) -> None:
    """Deletes the secret; calls that need it are then refused."""
    admin.store.delete_secret(admin, id, name)
