import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from django.core.checks import run_checks

from config import checks

SECRET = "x7" * 30


def _ids() -> set[str]:
    return {message.id for message in run_checks() if message.id and message.id.startswith("greenroom.")}


@pytest.fixture
def production(settings: Any) -> Any:
    """Settings of a production that is set up as it should be."""
    settings.DEBUG = False
    settings.SECRET_KEY = SECRET
    settings.CHAT = dataclasses.replace(
        settings.CHAT,
        secret_key=SECRET,
        api_url="https://adminapisgp.im.qcloud.com",
        webhook_tokens=("a-long-enough-token",),
    )
    return settings


def test_a_good_production_has_nothing_to_report(production: Any) -> None:
    assert _ids() == set()


def _chat(**changes: Any) -> Callable[[Any], None]:
    def change(settings: Any) -> None:
        settings.CHAT = dataclasses.replace(settings.CHAT, **changes)

    return change


@pytest.mark.parametrize(
    ("change", "identifier"),
    [
        (lambda settings: setattr(settings, "SECRET_KEY", settings.DEMO_SECRET), "greenroom.E001"),
        (lambda settings: setattr(settings, "SECRET_KEY", "short"), "greenroom.E001"),
        (lambda settings: _chat(secret_key=settings.DEMO_CHAT_KEY)(settings), "greenroom.E002"),
        (_chat(webhook_tokens=()), "greenroom.E003"),
        (_chat(webhook_tokens=("short",)), "greenroom.E003"),
        (lambda settings: _chat(webhook_tokens=("good-one", settings.DEMO_WEBHOOK_TOKEN))(settings), "greenroom.E003"),
        (_chat(api_url="http://adminapisgp.im.qcloud.com"), "greenroom.E004"),
        (_chat(api_url="http://127.0.0.1:8090"), "greenroom.E004"),
        (_chat(api_url="adminapisgp.im.qcloud.com"), "greenroom.E004"),
        (_chat(api_url="https://"), "greenroom.E004"),
    ],
)  # fmt: skip
def test_each_misconfiguration_has_its_id_and_a_hint(
    change: Callable[[Any], None], identifier: str, production: Any
) -> None:
    change(production)

    found = [message for message in run_checks() if message.id == identifier]

    assert [message.id for message in found] == [identifier]
    assert found[0].hint
    assert SECRET not in str(found[0])


def test_the_demo_runs_on_demo_secrets(settings: Any) -> None:
    settings.DEBUG = True
    settings.SECRET_KEY = settings.DEMO_SECRET
    settings.CHAT = dataclasses.replace(
        settings.CHAT, secret_key=settings.DEMO_CHAT_KEY, webhook_tokens=(settings.DEMO_WEBHOOK_TOKEN,)
    )

    assert checks.check_secrets(None) == []


def test_no_secret_shows_in_a_representation(production: Any) -> None:
    assert SECRET not in repr(production.CHAT)
    assert "a-long-enough-token" not in repr(production.CHAT)
