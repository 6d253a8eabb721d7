"""Who may do what: every address and method, every role, the expected answer. An address that is missing fails."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx
import orjson
import pytest
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from rooms.models import ApiKey, OutboxCommand, Room, User
from tests import factories
from tests.rooms.callbacks import signed_query
from tests.rooms.test_outbox import record
from tests.services import Service

# Roles

USERS: Final = (
    "anonymous", "nobody", "operator", "lead", "moderator", "analyst", "finance", "anchor", "other_anchor", "superuser"
)  # fmt: skip
SCOPES: Final = ("rooms:read", "rooms:write", "messages:read", "messages:write")
APPS: Final = ("app", *(f"app {scope}" for scope in SCOPES))
ROLES: Final = (*USERS, *APPS)

EVERYBODY: Final = frozenset(ROLES)
SIGNED_IN: Final = frozenset(USERS) - {"anonymous"}
CREATE: Final = frozenset({"operator", "superuser"})
CHANGE: Final = CREATE | {"anchor"}
OPERATE: Final = CHANGE | {"lead"}
SPEAK: Final = OPERATE | {"moderator"}
READ: Final = SPEAK | {"analyst"}
SEE: Final = READ | {"finance"}

# What the scopes of a business app's key open.
APP_SEES: Final = frozenset(f"app {scope}" for scope in SCOPES)
APP_READS_ROOMS: Final = frozenset({"app rooms:read"})
APP_WRITES_ROOMS: Final = frozenset({"app rooms:write"})
APP_READS_MESSAGES: Final = frozenset({"app messages:read"})
APP_SPEAKS: Final = frozenset({"app messages:write"})
# Whoever causes a command may ask how it ended.
APP_FOLLOWS: Final = APP_READS_ROOMS | APP_WRITES_ROOMS | APP_SPEAKS


@dataclass(frozen=True)
class Row:
    """One method of one address: who is let in, the answer they get, and what the others get instead."""

    method: str
    pattern: str
    allowed: frozenset[str]
    status: int
    others: Callable[[str], int]
    data: dict[str, Any] | None = None
    room_status: str = "on_live"

    def __str__(self) -> str:
        return f"{self.method} /{self.pattern}"


def _page(role: str) -> int:
    """Pages know sessions only: who has none is sent to sign in."""
    return 302 if role == "anonymous" or role in APPS else 403


def _room_page(role: str) -> int:
    return 404 if role in {"nobody", "other_anchor"} else _page(role)


def _api(role: str) -> int:
    return 401 if role == "anonymous" else 403


def _room_api(role: str) -> int:
    return 404 if role in {"nobody", "other_anchor", "app"} else _api(role)


def _admin(role: str) -> int:
    return 302


ROOM: Final = "rooms/<int:room_id>/"
PANEL: Final = f"{ROOM}panels/"
API: Final = "api/v1/rooms/<int:room_id>/"
NEW: Final = {"title": "New", "anchor": "ANCHOR"}
SET_NOTICE: Final = {"introduction": "Hi", "notification": "Welcome"}
NOTICE_FORM: Final = {**SET_NOTICE, "version": 1, "notice_id": ""}
REPLAY: Final = {"replay_url": "https://replays.example.com/1.m3u8"}
SIGN_IN: Final = {"username": "x", "password": "y"}
NEW_PASSWORD: Final = {"old_password": "x", "new_password1": "y", "new_password2": "y"}

TABLE: Final = [
    # Open to everybody
    Row("GET", "favicon.ico", EVERYBODY, 302, _page),
    Row("GET", "healthz", EVERYBODY, 200, _page),
    Row("GET", "readyz", EVERYBODY, 503, _page),  # no worker in this test
    Row("GET", "metrics", EVERYBODY, 403, _page),  # a token opens them, no role does
    Row("POST", "language/setlang/", EVERYBODY, 302, _page, {"language": "en"}),
    Row("POST", "webhooks/chat/", EVERYBODY, 403, _page),  # not signed
    Row("GET", "webhooks/chat/", EVERYBODY, 405, _page),
    # Signing in
    Row("GET", "login/", EVERYBODY - SIGNED_IN, 200, lambda role: 302),
    Row("POST", "login/", EVERYBODY - SIGNED_IN, 200, lambda role: 302, SIGN_IN),
    Row("POST", "logout/", EVERYBODY, 302, _page),
    Row("GET", "logout/", EVERYBODY, 405, _page),
    Row("GET", "password/", SIGNED_IN, 200, _page),
    Row("POST", "password/", SIGNED_IN, 200, _page, NEW_PASSWORD),
    Row("GET", "password/done/", SIGNED_IN, 200, _page),
    Row("GET", "admin/", frozenset({"superuser"}), 200, _admin),
    Row("GET", "styleguide/", frozenset({"superuser"}), 200, _admin),
    # Pages about no single room
    Row("GET", "", SIGNED_IN, 200, _page),
    Row("GET", "rooms/panels/wall/", SIGNED_IN, 200, _page),
    Row("GET", "rooms/panels/wall/more/", SIGNED_IN, 200, _page),
    Row("GET", "stats/pulses/", SIGNED_IN, 200, _page),
    Row("GET", "rooms/new/", CREATE, 200, _page),
    Row("POST", "rooms/new/", CREATE, 302, _page, NEW),
    # One room: looking
    Row("GET", ROOM, SEE, 200, _room_page),
    Row("GET", f"{PANEL}facts/", SEE, 200, _room_page),
    Row("GET", f"{PANEL}notice/", SEE, 200, _room_page),
    Row("GET", f"{PANEL}history/", SEE, 200, _room_page),
    Row("GET", f"{ROOM}messages/", READ, 200, _room_page),
    Row("GET", f"{ROOM}members/", READ, 200, _room_page),
    Row("GET", f"{PANEL}feed/", READ, 200, _room_page),
    Row("GET", f"{PANEL}feed/older/", READ, 200, _room_page),
    Row("GET", f"{PANEL}members/", READ, 200, _room_page),
    Row("GET", f"{PANEL}commands/", SPEAK, 200, _room_page),
    Row("GET", f"{PANEL}controls/", OPERATE, 200, _room_page),
    # One room: changing
    Row("GET", f"{ROOM}edit/", CHANGE, 200, _room_page),
    Row("POST", f"{ROOM}edit/", CHANGE, 302, _room_page, {"title": "Renamed", "version": 1}),
    Row("POST", f"{PANEL}notice/preview/", OPERATE, 200, _room_page, SET_NOTICE),
    Row("POST", f"{ROOM}notice/set/", OPERATE, 302, _room_page, NOTICE_FORM),
    Row("POST", f"{PANEL}notice/set/", OPERATE, 200, _room_page, NOTICE_FORM),
    Row("POST", f"{ROOM}mute-all/", OPERATE, 302, _room_page, {"is_muted": "on"}),
    Row("POST", f"{PANEL}mute-all/", OPERATE, 200, _room_page, {"is_muted": "on"}),
    Row("POST", f"{ROOM}speak/", SPEAK, 302, _room_page, {"text": "Hello", "style": "plain"}),
    Row("POST", f"{PANEL}speak/", SPEAK, 200, _room_page, {"text": "Hello", "style": "plain"}),
    Row("POST", f"{ROOM}replay/", OPERATE, 302, _room_page, REPLAY, "ended"),
    Row("POST", f"{PANEL}replay/", OPERATE, 200, _room_page, REPLAY, "ended"),
    Row("POST", f"{ROOM}steps/<slug:step>/", OPERATE, 302, _room_page),
    Row("POST", f"{PANEL}steps/<slug:step>/", OPERATE, 200, _room_page),
    Row("POST", f"{ROOM}commands/<int:command_id>/retry/", OPERATE, 302, _room_page),
    Row("POST", f"{PANEL}commands/<int:command_id>/retry/", OPERATE, 200, _room_page),
    # The API
    Row("GET", "api/v1/schema/", EVERYBODY - {"anonymous"}, 200, _api),
    Row("GET", "api/v1/docs/", SIGNED_IN, 200, _page),
    Row("GET", "api/v1/<unknown>", EVERYBODY, 404, _api),
    Row("GET", "api/v1/rooms/", EVERYBODY - {"anonymous"}, 200, _api),
    Row("POST", "api/v1/rooms/", CREATE | APP_WRITES_ROOMS, 201, _api, NEW),
    Row("GET", API, SEE | APP_SEES, 200, _room_api),
    Row("PATCH", API, CHANGE | APP_WRITES_ROOMS, 200, _room_api, {"title": "Renamed"}),
    Row("POST", f"{API}start/", OPERATE | APP_WRITES_ROOMS, 200, _room_api, {}, "to_be_started"),
    Row("POST", f"{API}pause/", OPERATE | APP_WRITES_ROOMS, 200, _room_api, {}),
    Row("POST", f"{API}resume/", OPERATE | APP_WRITES_ROOMS, 200, _room_api, {}, "paused"),
    Row("POST", f"{API}end/", OPERATE | APP_WRITES_ROOMS, 200, _room_api, {}),
    Row("POST", f"{API}replay/", OPERATE | APP_WRITES_ROOMS, 200, _room_api, REPLAY, "ended"),
    Row("POST", f"{API}notice/", OPERATE | APP_WRITES_ROOMS, 200, _room_api, SET_NOTICE),
    Row("POST", f"{API}mute-all/", OPERATE | APP_WRITES_ROOMS, 200, _room_api, {"is_mute_all": True}),
    Row("GET", f"{API}messages/", READ | APP_READS_MESSAGES, 200, _room_api),
    Row("POST", f"{API}messages/", SPEAK | APP_SPEAKS, 202, _room_api, {"text": "Hello"}),
    Row("GET", f"{API}members/", READ | APP_READS_ROOMS, 200, _room_api),
    Row("GET", f"{API}commands/", SPEAK | APP_FOLLOWS, 200, _room_api),
    Row("GET", f"{API}commands/<int:command_id>/", SPEAK | APP_FOLLOWS, 200, _room_api),
    Row("POST", f"{API}commands/<int:command_id>/retry/", OPERATE | APP_WRITES_ROOMS, 202, _room_api, {}),
]
# Only there while developing.
DEVELOPMENT: Final = {"styleguide/"}
# Plain ASGI beside Django: the last test asks it.
LIVE: Final = {"anonymous": 401, **dict.fromkeys(SIGNED_IN, 200), "nobody": 403, "anchor": 403, "other_anchor": 403}


def _walk(resolver: URLResolver, before: str = "") -> Iterator[str]:
    for item in resolver.url_patterns:
        address = before + str(item.pattern)
        if isinstance(item, URLPattern):
            yield address
        elif address == "admin/":
            yield address  # Django's own, behind is_staff as a whole
        else:
            yield from _walk(item, address)


def _normal(address: str) -> str:
    """The API answers with and without the last slash; what is at no address has one row."""
    if address == "api/v1/":
        return "api/v1/<unknown>"
    return address.rstrip("/") + "/" if address.startswith("api/v1/") else address


def test_every_address_has_its_rows() -> None:
    served = {_normal(address) for address in _walk(get_resolver())}
    known = {row.pattern for row in TABLE}

    assert served - known == set(), "addresses that the table does not know"
    assert known - served <= DEVELOPMENT, "rows whose address is gone"


@pytest.fixture
def clients(client_of: Callable[[str], Client], db: None) -> dict[str, Client]:
    found = {role: client_of(role) for role in USERS}
    for role in APPS:
        found[role] = factories.make_client(key=_key(role.removeprefix("app").strip()))
    for client in found.values():
        client.raise_request_exception = False
    return found


def _key(scope: str) -> str:
    if scope:
        return factories.make_key(scope)
    text = factories.make_key("rooms:read")
    ApiKey.objects.filter(prefix=text.partition(".")[0]).update(scopes=[])
    return text


def _address(row: Row, room: Room, command: OutboxCommand) -> str:
    step = "pause"
    path = row.pattern.replace("<int:room_id>", str(room.pk)).replace("<int:command_id>", str(command.pk))
    return "/" + path.replace("<slug:step>", step).replace("<unknown>", "nothing/here")


def _ask(client: Client, row: Row, path: str, anchor: User) -> HttpResponse:
    data = row.data
    is_api = row.pattern.startswith("api/")
    if data and data.get("anchor") == "ANCHOR":
        data = {**data, "anchor": anchor.account if is_api else anchor.pk}
    if row.method == "GET":
        return client.get(path)
    if is_api:
        return client.generic(row.method, path, _json(data), content_type="application/json")
    return client.post(path, data or {})


def _json(data: dict[str, Any] | None) -> bytes:
    return orjson.dumps(data or {})


@pytest.fixture
def subject(anchor: User) -> tuple[Room, OutboxCommand]:
    room = factories.make_room(anchor=anchor)
    command = record(room)
    OutboxCommand.objects.filter(pk=command.pk).update(state=OutboxCommand.State.FAILED)
    return room, command


@pytest.mark.django_db
@pytest.mark.parametrize("row", TABLE, ids=str)
def test_everybody_gets_the_answer_of_the_table(
    row: Row, clients: dict[str, Client], subject: tuple[Room, OutboxCommand], anchor: User
) -> None:
    room, command = subject
    if row.pattern in DEVELOPMENT - set(_walk(get_resolver())):
        return
    Room.objects.filter(pk=room.pk).update(status=row.room_status)
    path = _address(row, room, command)
    wanted = {role: row.status if role in row.allowed else row.others(role) for role in ROLES}
    given = {}

    for role, client in clients.items():
        with transaction.atomic():
            given[role] = _ask(client, row, path, anchor).status_code
            transaction.set_rollback(True)

    assert given == wanted


@pytest.mark.django_db
@pytest.mark.parametrize("row", [row for row in TABLE if row.pattern.startswith("api/v1/rooms")], ids=str)
def test_the_api_answers_the_same_without_the_last_slash(
    row: Row, clients: dict[str, Client], subject: tuple[Room, OutboxCommand], anchor: User
) -> None:
    room, command = subject
    Room.objects.filter(pk=room.pk).update(status=row.room_status)
    path = _address(row, room, command).rstrip("/")

    for role, status in (("operator", row.status), ("anonymous", 401)):
        with transaction.atomic():
            assert _ask(clients[role], row, path, anchor).status_code == status
            transaction.set_rollback(True)


_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_DJANGOS_OWN: Final = {"login/", "logout/", "password/", "password/done/", "admin/", "styleguide/", "language/setlang/"}
_OURS: Final = sorted(
    {row.pattern for row in TABLE} - _DJANGOS_OWN - {"api/v1/<unknown>", "favicon.ico", "healthz", "readyz", "metrics"}
)


@pytest.mark.django_db
@pytest.mark.parametrize("pattern", _OURS)
def test_no_address_has_a_method_that_the_table_does_not_know(
    pattern: str, clients: dict[str, Client], subject: tuple[Room, OutboxCommand]
) -> None:
    room, command = subject
    rows = [row for row in TABLE if row.pattern == pattern]
    others = set(_METHODS) - {row.method for row in rows}
    path = _address(rows[0], room, command)

    answers = {}
    for method in others:
        with transaction.atomic():
            answers[method] = clients["superuser"].generic(method, path, b"{}").status_code
            transaction.set_rollback(True)

    assert answers == dict.fromkeys(others, 405)


@pytest.mark.django_db
def test_a_revoked_or_wrong_key_opens_nothing() -> None:
    text = factories.make_key()
    ApiKey.objects.update(revoked=True)

    for key in (text, text[:-1] + "x", "nonsense", "."):
        assert factories.make_client(key=key).get("/api/v1/rooms/").status_code == 401


@pytest.mark.django_db
def test_a_change_without_the_token_of_its_form_is_refused(operator: User, subject: tuple[Room, OutboxCommand]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    room, _ = subject

    for path in (f"/rooms/{room.pk}/mute-all/", f"/api/v1/rooms/{room.pk}/mute-all/", "/logout/", "/rooms/new/"):
        assert client.post(path).status_code == 403


def test_live_and_the_webhook_are_guarded_in_the_web_process_too(
    server: Service, request: pytest.FixtureRequest
) -> None:
    given = {}
    for role in USERS:
        cookies = {}
        if role != "anonymous":
            client = factories.make_client(request.getfixturevalue(role))
            cookies[settings.SESSION_COOKIE_NAME] = client.cookies[settings.SESSION_COOKIE_NAME].value
        with httpx.stream("GET", f"{server.url}/live/?topics=wall", cookies=cookies, timeout=10) as answer:
            given[role] = answer.status_code

    assert given == LIVE
    webhook = f"{server.url}/webhooks/chat/"
    assert httpx.post(webhook, content=b"{}").status_code == 403
    assert httpx.post(f"{webhook}?{signed_query('Group.New')}", content=b"{}").status_code == 200
    assert httpx.get(webhook).status_code == 405
