"""The credentials that the tests' workspaces hold: each may be seen by its provider and by nobody else."""

from __future__ import annotations

import json
from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

CANARIES = {
    "OPENAI_API_KEY": "sk-proj-CANARYopenai0000000000000000000000000001",
    "ANTHROPIC_API_KEY": "sk-ant-api03-CANARYanthropic00000000000000000002",
    "AWS_BEARER_TOKEN_BEDROCK": "ABSKCANARYbedrock000000000000000000000000000003",
    "BASETEN_API_KEY": "CANARYb10.baseten000000000000000000000000000004",
    "FIREWORKS_API_KEY": "fw_CANARYfireworks000000000000000000000000005",
    "GOOGLE_API_KEY": "AIzaCANARYgemini00000000000000000000006",
}


@cache
def service_account() -> str:
    """A Google service account's key file, freshly made."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    account = {
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": "gateway@p.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return json.dumps(account)


def all_secrets() -> dict[str, str]:
    return {**CANARIES, "VERTEX_SERVICE_ACCOUNT_JSON": service_account()}
