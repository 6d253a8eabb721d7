"""System checks: a misconfiguration has an id, a sentence and a hint, and says so before anything runs."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

_LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}


@register()
def check_secrets(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """With DEBUG off, nothing may run on a demo secret."""
    if settings.DEBUG:
        return []
    errors: list[CheckMessage] = []
    if settings.SECRET_KEY == settings.DEMO_SECRET or len(settings.SECRET_KEY) < 50:
        errors.append(
            Error(
                "SECRET_KEY is missing, short or the demo's.",
                hint="Set 50 random characters.",
                id="greenroom.E001",
            )
        )
    if settings.CHAT.secret_key == settings.DEMO_CHAT_KEY:
        errors.append(
            Error(
                "CHAT_SECRET_KEY is missing.",
                hint="Copy the key of your application from the Chat console.",
                id="greenroom.E002",
            )
        )
    tokens = settings.CHAT.webhook_tokens
    if not tokens or settings.DEMO_WEBHOOK_TOKEN in tokens or any(len(token) < 8 for token in tokens):
        errors.append(
            Error(
                "CHAT_WEBHOOK_TOKENS is missing, short or the demo's.",
                hint="Set the token that the Chat console signs webhooks with; several are separated by commas.",
                id="greenroom.E003",
            )
        )
    return errors


@register()
def check_chat_address(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Chat is only reached over https, except for the simulator on this machine."""
    parts = urlsplit(settings.CHAT.api_url)
    is_local = parts.scheme == "http" and parts.hostname in _LOCAL_HOSTS and settings.DEBUG
    if (parts.scheme == "https" and parts.hostname) or is_local:
        return []
    return [
        Error(
            "CHAT_API_URL is not an https address.",
            hint="Use the host of your application's region, for example https://adminapisgp.im.qcloud.com.",
            id="greenroom.E004",
        )
    ]
