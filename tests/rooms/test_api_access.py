"""Who may call what: keys by scope, people by role, anchors by room."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest
from django.test import Client
from django.utils import timezone

from rooms.models import ApiKey, AuditEntry, BusinessApp, OutboxCommand, Room, User
from tests import factories

pytestmark = pytest.mark.django_db

READ, WRITE, LISTEN, SPEAK = ApiKey.Scope.values
EVERY: Final = {READ, WRITE, LISTEN, SPEAK}
NEW_ROOM: Final = {"title": "New", "anchor": "anchor1"}

# Method, address below the room (or "/" for the list), body, and the scopes of which one is enough.
CALLS: Final[list[tuple[str, str, dict[str, Any], set[str]]]] = [
    ("get", "/", {}, EVERY),
    ("post", "/", NEW_ROOM, {WRITE}),
    ("get", "/ROOM/", {}, EVERY),
    ("patch", "/ROOM/", {"title": "Other"}, {WRITE}),
    ("post", "/ROOM/start/", {}, {WRITE}),
    ("post", "/ROOM/pause/", {}, {WRITE}),
    ("post", "/ROOM/resume/", {}, {WRITE}),
    ("post", "/ROOM/end/", {}, {WRITE}),
    ("post", "/ROOM/replay/", {"replay_url": "https://vod.example.com/1"}, {WRITE}),
    ("post", "/ROOM/notice/", {"notification": "New"}, {WRITE}),
    ("post", "/ROOM/mute-all/", {"is_mute_all": True}, {WRITE}),
    ("get", "/ROOM/messages/", {}, {LISTEN}),
    ("post", "/ROOM/messages/", {"text": "Hello"}, {SPEAK}),
    ("get", "/ROOM/members/", {}, {READ}),
    ("get", "/ROOM/commands/", {}, {READ, WRITE, SPEAK}),
    ("get", "/ROOM/commands/COMMAND/", {}, {READ, WRITE, SPEAK}),
    ("post", "/ROOM/commands/COMMAND/retry/", {}, {WRITE}),
]


def make_command(room: Room) -> OutboxCommand:
    return OutboxCommand.objects.create(
        room=room, call="send_group_msg", label="Send", random=1, state="failed", next_attempt_at=timezone.now()
    )


def call(client: Client, method: str, path: str, body: dict[str, Any], room: Room, command: OutboxCommand) -> Any:
    path = path.replace("ROOM", str(room.pk)).replace("COMMAND", str(command.pk))
    if method == "get":
        return client.get(f"/api/v1/rooms{path}")
    return getattr(client, method)(f"/api/v1/rooms{path}", body, content_type="application/json")


@pytest.mark.parametrize(("method", "path", "body", "scopes"), CALLS)
def test_a_key_may_what_its_scopes_say(
    anchor: User, method: str, path: str, body: dict[str, Any], scopes: set[str]
) -> None:
    room = factories.make_room()
    command = make_command(room)
    allowed = {}
    for scope in sorted(EVERY):
        client = factories.make_client(key=factories.make_key(scope))
        allowed[scope] = call(client, method, path, body, room, command).status_code
    for scope, status in allowed.items():
        assert status in ({200, 201, 202, 409} if scope in scopes else {403}), (scope, status)


def test_a_key_without_scopes_sees_nothing(anchor: User) -> None:
    room = factories.make_room()
    command = make_command(room)
    app = BusinessApp.objects.create(name="Nothing")
    _, key = ApiKey.objects.create_key(name="nothing", app=app, scopes=["rooms:forgotten"])
    client = factories.make_client(key=key)
    for method, path, body, _scopes in CALLS:
        answer = call(client, method, path, body, room, command)
        if path == "/":
            assert answer.status_code == (200 if method == "get" else 403)
            assert not answer.json().get("results")
        else:
            assert answer.status_code == 404, path
    assert Room.objects.count() == 1


@pytest.mark.parametrize("fault", ["wrong", "unknown", "odd", "empty", "expired", "revoked"])
def test_a_key_that_is_not_valid_is_refused_without_saying_why(fault: str, caplog: pytest.LogCaptureFixture) -> None:
    text = factories.make_key()
    stored = ApiKey.objects.get()
    if fault == "expired":
        ApiKey.objects.update(expiry_date=timezone.now() - timedelta(seconds=1))
    elif fault == "revoked":
        stored.revoked = True
        stored.save(update_fields=["revoked"])
    text = {
        "wrong": f"{stored.prefix}.{'x' * 32}",
        "unknown": f"{'0' * 8}.{'x' * 32}",
        "odd": "ünïcödé \x01",
        "empty": "",
    }.get(fault, text)
    answer = Client().get("/api/v1/rooms/", headers={"Authorization": f"Api-Key {text}"})
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Api-Key realm="greenroom"'
    assert answer.json()["code"] == "authentication_failed"
    assert not text or (text not in caplog.text and text not in answer.content.decode())


def test_an_expiry_that_lies_ahead_does_not_matter(api: Client) -> None:
    ApiKey.objects.update(expiry_date=timezone.now() + timedelta(hours=1))
    assert api.get("/api/v1/rooms/").status_code == 200


def test_without_key_or_session_nothing_is_answered() -> None:
    room = factories.make_room()
    command = make_command(room)
    for method, path, body, _scopes in CALLS:
        answer = call(Client(), method, path, body, room, command)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated"), path
        assert "WWW-Authenticate" in answer


# Method, address, body, and per role whether the step is allowed; everyone here sees the room.
ROLES: Final = [
    ("get", "/ROOM/", {}, {"operator", "lead", "moderator", "analyst", "finance"}),
    ("post", "/", NEW_ROOM, {"operator"}),
    ("patch", "/ROOM/", {"title": "Other"}, {"operator"}),
    ("post", "/ROOM/start/", {}, {"operator", "lead"}),
    ("post", "/ROOM/messages/", {"text": "Hello"}, {"operator", "lead", "moderator"}),
    ("get", "/ROOM/messages/", {}, {"operator", "lead", "moderator", "analyst"}),
    ("get", "/ROOM/members/", {}, {"operator", "lead", "moderator", "analyst"}),
    ("get", "/ROOM/commands/", {}, {"operator", "lead", "moderator"}),
    ("post", "/ROOM/commands/COMMAND/retry/", {}, {"operator", "lead"}),
]


@pytest.mark.parametrize("role", ["operator", "lead", "moderator", "analyst", "finance"])
def test_people_may_what_their_role_says(client_of: Callable[[str], Client], anchor: User, role: str) -> None:
    client = client_of(role)
    room = factories.make_room(anchor=anchor)
    command = make_command(room)
    for method, path, body, roles in ROLES:
        status = call(client, method, path, body, room, command).status_code
        assert status in ({200, 201, 202} if role in roles else {403}), (method, path, status)


def test_an_anchor_knows_and_runs_only_their_own_rooms(
    client_of: Callable[[str], Client], anchor: User, other_anchor: User
) -> None:
    client = client_of("anchor")
    own, other = factories.make_room(anchor=anchor), factories.make_room(anchor=other_anchor)
    assert [room["id"] for room in client.get("/api/v1/rooms/").json()["results"]] == [own.pk]
    for method, path, body, _scopes in CALLS:
        if path != "/":
            assert call(client, method, path, body, other, make_command(other)).status_code == 404, path
    assert client.post(f"/api/v1/rooms/{own.pk}/start/").json()["status"] == "on_live"
    assert client.get(f"/api/v1/rooms/{own.pk}/messages/").status_code == 200
    assert client.post("/api/v1/rooms/", NEW_ROOM, content_type="application/json").status_code == 403
    assert AuditEntry.objects.get().actor_user == anchor


def test_a_session_changes_nothing_without_its_csrf_token(operator: User) -> None:
    room = factories.make_room()
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    refused = client.post(f"/api/v1/rooms/{room.pk}/start/")
    assert refused.status_code == 403
    assert refused["Content-Type"] == "application/problem+json"
    client.get("/api/v1/rooms/")
    token = "a" * 32
    client.cookies["csrftoken"] = token
    started = client.post(
        f"/api/v1/rooms/{room.pk}/start/", content_type="application/json", headers={"X-CSRFToken": token}
    )
    assert started.status_code == 200


def test_a_key_needs_no_csrf_token(api_key: str) -> None:
    room = factories.make_room()
    client = Client(enforce_csrf_checks=True, headers={"Authorization": f"Api-Key {api_key}"})
    assert client.post(f"/api/v1/rooms/{room.pk}/start/").status_code == 200


def test_what_an_app_does_is_audited_under_its_name() -> None:
    room = factories.make_room()
    app = BusinessApp.objects.create(name="Tea shop")
    client = factories.make_client(key=factories.make_key(app=app))
    client.post(f"/api/v1/rooms/{room.pk}/start/")
    entry = AuditEntry.objects.get()
    assert (entry.actor_kind, entry.actor_name, entry.actor_user) == ("app", "Tea shop", None)
