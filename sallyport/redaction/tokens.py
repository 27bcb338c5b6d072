"""Rules for credentials that show what they are: published prefixes and lengths, vendor by vendor."""

from __future__ import annotations

import re

from sallyport.redaction.detector import AnchoredDetector as Rule

_END = r"(?![A-Za-z0-9])"
_URLSAFE_END = r"(?![A-Za-z0-9_-])"
_JWT = r"eyJ[A-Za-z0-9_-]{8,2000}+\.[A-Za-z0-9_-]{8,6000}+\.[A-Za-z0-9_-]{16,1500}+"


def _mixed(value: str) -> bool:
    """Letters and digits both: words joined by hyphens are no token."""
    return re.search(r"\d", value) is not None and re.search(r"[A-Za-z]", value[4:]) is not None


def _random(value: str) -> bool:
    """Four digits or more, which names of things hardly have."""
    return len(re.findall(r"\d", value)) >= 4


RULES: tuple[Rule, ...] = (
    Rule("GITHUB_PAT", ("ghp_",), r"ghp_[A-Za-z0-9]{36,255}+"),
    Rule("GITHUB_PAT", ("github_pat_",), r"github_pat_[A-Za-z0-9_]{36,255}+"),
    Rule("GITHUB_OAUTH_TOKEN", ("gho_",), r"gho_[A-Za-z0-9]{36,255}+"),
    # Installation tokens: the classic form, and the stateless one, `ghs_<app id>_<JWT>`.
    Rule(
        "GITHUB_APP_TOKEN",
        ("gh[sur]_",),
        rf"gh[sur]_(?:[A-Za-z0-9]{{1,20}}_{_JWT}|[A-Za-z0-9]{{36,255}}+)",
    ),
    # Personal access, deploy, runner, CI job, trigger, feed, mail, agent, SCIM, feature flag, OAuth; routable ones have `.01.…`.
    Rule(
        "GITLAB_TOKEN",
        (r"gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|ffct|oas)-",),
        r"gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|ffct|oas)-[A-Za-z0-9_=-]{20,300}+(?:\.[A-Za-z0-9]{2}\.[a-z0-9]{7,9}+)?",
        check=_mixed,
    ),
    Rule("ANTHROPIC_API_KEY", ("sk-ant-",), r"sk-ant-[a-z]{2,12}\d{2}-[A-Za-z0-9_-]{20,300}+", check=_mixed),
    Rule(
        "OPENAI_API_KEY",
        ("sk-(?:proj|svcacct|admin|None)-",),
        r"sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,300}+",
        check=_mixed,
    ),
    Rule("OPENAI_API_KEY", ("sk-[A-Za-z0-9]{20}",), r"sk-[A-Za-z0-9]{32,64}+" + _URLSAFE_END, check=_mixed),
    Rule("OPENROUTER_API_KEY", ("sk-or-v1-",), r"sk-or-v1-[0-9a-f]{64}" + _END),
    Rule("LANGSMITH_API_KEY", ("lsv2_",), r"lsv2_[a-z]{2}_[0-9A-Za-z]{32,64}+(?:_[0-9A-Za-z]{6,32}+)?"),
    Rule("LANGSMITH_API_KEY", ("ls__",), r"ls__[0-9a-f]{32}" + _END),
    Rule("HUGGING_FACE_TOKEN", ("hf_",), r"hf_[A-Za-z0-9]{30,64}+" + _URLSAFE_END),
    Rule("HUGGING_FACE_TOKEN", ("api_org_",), r"api_org_[A-Za-z0-9]{34}" + _END),
    Rule("AWS_ACCESS_KEY_ID", ("A(?:KI|SI|BI|CC)A",), r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9+/])"),
    Rule("AWS_BEARER_TOKEN_BEDROCK", ("ABSK",), r"ABSK[A-Za-z0-9+/]{100,300}+={0,2}"),
    Rule("AWS_BEARER_TOKEN_BEDROCK", ("bedrock-api-key-",), r"bedrock-api-key-[A-Za-z0-9+/_-]{60,3000}+={0,2}"),
    Rule(
        "AWS_SESSION_TOKEN",
        ("IQoJb3JpZ2lu", "F[wQ]oGZXIvYXdz"),
        r"(?:IQoJ|F[wQ]oG)(?:[A-Za-z0-9+/]|%2[BF]){80,4000}+(?:=|%3D){0,2}",
    ),
    Rule("GOOGLE_API_KEY", ("AIza",), r"AIza[A-Za-z0-9_-]{35}" + _URLSAFE_END),
    Rule("GOOGLE_API_KEY", (r"AQ\.Ab",), r"AQ\.Ab[A-Za-z0-9_-]{40,100}+"),
    Rule("GOOGLE_OAUTH_SECRET", ("GOCSPX-",), r"GOCSPX-[A-Za-z0-9_-]{20,40}+"),
    Rule("GOOGLE_ACCESS_TOKEN", (r"ya29\.",), r"ya29\.[A-Za-z0-9_-]{30,2000}+(?:\.[A-Za-z0-9_-]{1,500}+)?"),
    Rule("AZURE_CLIENT_SECRET", ("Q~",), r"[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}(?![A-Za-z0-9_~-])", back=4),
    Rule("SLACK_TOKEN", ("xox[abeoprs]",), r"xox[abeoprs](?:\.xox[abp])?-[A-Za-z0-9-]{10,250}+", check=_random),
    Rule("SLACK_TOKEN", ("xapp-",), r"xapp-\d-[A-Za-z0-9]{4,30}+-\d{4,20}+-[A-Za-z0-9]{20,128}+"),
    Rule(
        "SLACK_WEBHOOK",
        (r"hooks\.slack\.com",),
        r"hooks\.slack\.com\\?/(?:services|workflows|triggers)\\?/(?P<value>[A-Za-z0-9]{4,40}+(?:\\?/[A-Za-z0-9]{4,64}+){1,4})",
        free=True,
        check=_mixed,
    ),
    Rule("DATADOG_APP_KEY", ("ddapp_",), r"ddapp_[A-Za-z0-9]{34}" + _END),
    Rule("PYPI_TOKEN", ("pypi-",), r"pypi-[A-Za-z0-9_-]{60,2000}+", check=_mixed),
    Rule("NPM_TOKEN", ("npm_",), r"npm_[A-Za-z0-9]{36}" + _END),
    Rule("STRIPE_KEY", ("_live_|_test_",), r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,255}+", back=2),
    Rule("STRIPE_WEBHOOK_SECRET", ("whsec_",), r"whsec_[A-Za-z0-9+/]{24,64}+={0,2}"),
    Rule("SENDGRID_API_KEY", (r"SG\.",), r"SG\.[A-Za-z0-9_-]{16,32}+\.[A-Za-z0-9_-]{32,64}+"),
    Rule("TWILIO_API_KEY", ("SK[0-9a-f]{4}",), r"SK[0-9a-f]{32}" + _END),
    Rule("JWT", ("eyJ",), rf"(?<![_-]){_JWT}"),
    Rule("GATEWAY_KEY", ("spa?_",), r"spa?_[A-Za-z0-9]{43}" + _URLSAFE_END),
    Rule("GROQ_API_KEY", ("gsk_",), r"gsk_[A-Za-z0-9]{48,56}+" + _END),
    Rule("XAI_API_KEY", ("xai-",), r"xai-[A-Za-z0-9]{70,90}+" + _END),
    Rule("PERPLEXITY_API_KEY", ("pplx-",), r"pplx-[A-Za-z0-9]{40,64}+" + _END),
    Rule("FIREWORKS_API_KEY", ("fw_",), r"fw_[A-Za-z0-9]{22,48}+" + _URLSAFE_END, check=_random),
    Rule("REPLICATE_API_TOKEN", ("r8_",), r"r8_[A-Za-z0-9]{37}" + _END),
    Rule("DATABRICKS_TOKEN", ("dapi",), r"dapi[0-9a-f]{32}(?:-\d)?" + _END),
    Rule("DIGITALOCEAN_TOKEN", ("_v1_",), r"do[opr]_v1_[0-9a-f]{64}" + _END, back=3),
    Rule("DOCKER_TOKEN", ("dckr_",), r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{27,40}+"),
    Rule("SHOPIFY_TOKEN", ("shp(?:at|ca|pa|ss)_",), r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}" + _END),
    Rule("ATLASSIAN_TOKEN", ("ATATT3",), r"ATATT3[A-Za-z0-9_=-]{100,300}+"),
    Rule("LINEAR_API_KEY", ("lin_api_",), r"lin_api_[A-Za-z0-9]{40}" + _END),
    Rule("NOTION_TOKEN", ("ntn_",), r"ntn_[A-Za-z0-9]{40,50}+" + _END),
    Rule("VAULT_TOKEN", (r"hv[sb]\.",), r"hv[sb]\.[A-Za-z0-9_-]{24,300}+", check=_mixed),
    Rule("GRAFANA_TOKEN", ("glsa_",), r"glsa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}" + _END),
    Rule("SENTRY_TOKEN", ("sntry[su]_",), r"sntry[su]_[A-Za-z0-9+/=_-]{40,400}+"),
    Rule("NEW_RELIC_KEY", ("NRAK-",), r"NRAK-[A-Z0-9]{27}" + _END),
    Rule("TELEGRAM_BOT_TOKEN", (":AA",), r"(?<=\d{8}):AA[A-Za-z0-9_-]{33}" + _URLSAFE_END, free=True),
    Rule("AGE_SECRET_KEY", ("AGE-SECRET-KEY-1",), r"AGE-SECRET-KEY-1[0-9A-Z]{58}" + _END),
)
