"""Every refusal is problem+json with a stable code, and changes nothing."""

from typing import Any, Final

import pytest
from django.test import Client
from redis import ConnectionError as RedisConnectionError

from rooms.api.throttling import CallerThrottle
from rooms.models import AuditEntry, OutboxCommand, Room, User
from tests import factories

pytestmark = pytest.mark.django_db


def post(client: Client, path: str, body: Any, **headers: str) -> Any:
    return client.post(f"/api/v1{path}", body, content_type="application/json", headers=headers)


def check_problem(answer: Any, status: int, code: str, fields: list[str | None] | None = None) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert (problem["type"], problem["status"], problem["code"]) == ("about:blank", status, code)
    assert problem["title"]
    assert problem["detail"]
    if fields is None:
        assert set(problem) == {"type", "title", "status", "code", "detail"}
    else:
        assert [error["field"] for error in problem["errors"]] == fields
        assert all(set(error) == {"field", "code", "detail"} and error["detail"] for error in problem["errors"])
    return problem


def test_what_cannot_be_read_is_400(api: Client) -> None:
    check_problem(post(api, "/rooms/", "{"), 400, "parse_error")
    for query, field in [
        ("status=gone", "status"),
        ("page_size=0", "page_size"),
        ("page_size=201", "page_size"),
        ("page_size=٣", "page_size"),
        ("ordering=price", "ordering"),
        ("cursor=x", "cursor"),
        (f"search={'x' * 101}", "search"),
        ("anchor=%00", "anchor"),
    ]:
        check_problem(api.get(f"/api/v1/rooms/?{query}"), 400, "invalid", [field])
    room = factories.make_room()
    for query, field in [("since=yesterday", "since"), ("until=0001-01-01T00:00:00%2B23:00", "until")]:
        check_problem(api.get(f"/api/v1/rooms/{room.pk}/messages/?{query}"), 400, "invalid", [field])
    check_problem(api.get(f"/api/v1/rooms/{room.pk}/members/?is_present=perhaps"), 400, "invalid", ["is_present"])


REFUSED_ROOMS: Final[list[tuple[dict[str, Any], list[str]]]] = [
    ({}, ["title", "anchor"]),
    ({"title": " ", "anchor": "anchor1"}, ["title"]),
    ({"title": "x" * 101, "anchor": "anchor1"}, ["title"]),
    ({"title": "Tea\0", "anchor": "anchor1"}, ["title"]),
    ({"title": "Tea", "anchor": "stranger"}, ["anchor"]),
    ({"title": "Tea", "anchor": "anchor1", "group_id": "@TGS#1"}, ["group_id"]),
    ({"title": "Tea", "anchor": "anchor1", "group_id": "taken"}, ["group_id"]),
    ({"title": "Tea", "anchor": "anchor1", "cover_url": "http://example.com/a.jpg"}, ["cover_url"]),
    ({"title": "Tea", "anchor": "anchor1", "cover_url": "https://[example.com/a.jpg"}, ["cover_url"]),
    ({"title": "Tea", "anchor": "anchor1", "scheduled_at": "Friday"}, ["scheduled_at"]),
    ({"title": "Tea", "anchor": "anchor1", "introduction": "茶" * 81}, ["introduction"]),
    ({"title": "Tea", "anchor": "anchor1", "notification": "<b>now</b>"}, ["notification"]),
    ({"title": "Tea", "anchor": "anchor1", "notification": '{"images":["http://a"]}'}, ["notification"]),
]


@pytest.mark.parametrize(("body", "fields"), REFUSED_ROOMS)
def test_a_body_that_cannot_be_accepted_is_422(
    api: Client, anchor: User, body: dict[str, Any], fields: list[str | None]
) -> None:
    factories.make_room(group_id="taken", anchor=anchor)
    check_problem(post(api, "/rooms/", body), 422, "invalid", fields)
    assert Room.objects.count() == 1
    assert not OutboxCommand.objects.exists()


def test_refusals_of_a_rooms_steps_are_422(api: Client) -> None:
    room = factories.make_room(status="ended")
    path = f"/rooms/{room.pk}"
    check_problem(post(api, f"{path}/replay/", {"replay_url": "ftp://x"}), 422, "invalid", ["replay_url"])
    check_problem(post(api, f"{path}/replay/", {"replay_url": "https://[x"}), 422, "invalid", ["replay_url"])
    check_problem(post(api, f"{path}/replay/", {}), 422, "invalid", ["replay_url"])
    check_problem(post(api, f"{path}/replay/", []), 422, "invalid", [None])
    check_problem(post(api, f"{path}/mute-all/", {"is_mute_all": "so"}), 422, "invalid", ["is_mute_all"])
    check_problem(post(api, f"{path}/notice/", {"notification": "<br>"}), 422, "invalid", ["notification"])
    check_problem(post(api, f"{path}/messages/", {"text": "x", "style": "loud"}), 422, "invalid", ["style"])
    check_problem(post(api, f"{path}/messages/", {"text": "茶" * 667}), 422, "invalid", ["text"])
    check_problem(post(api, f"{path}/messages/", '{"text":"\\ud800"}'), 422, "invalid", ["text"])
    assert not AuditEntry.objects.exists()


def test_an_unknown_anchor_has_a_code_of_its_own(api: Client) -> None:
    problem = check_problem(post(api, "/rooms/", {"title": "Tea", "anchor": "x"}), 422, "invalid", ["anchor"])
    assert problem["errors"][0]["code"] == "unknown_anchor"
    assert problem["detail"] == problem["errors"][0]["detail"]


STATUSES: Final = list(Room.Status.values)
STEPS: Final = {
    "start": {"to_be_started"},
    "pause": {"on_live"},
    "resume": {"paused"},
    "end": {"on_live", "paused"},
    "replay": {"ended"},
    "messages": {"to_be_started", "on_live", "paused"},
}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("step", STEPS)
def test_a_step_the_status_does_not_allow_is_409(api: Client, step: str, status: str) -> None:
    room = factories.make_room(status=status)
    body = {"replay_url": "https://vod.example.com/1", "text": "Hello"}
    answer = post(api, f"/rooms/{room.pk}/{step}/", body)
    if status in STEPS[step]:
        assert answer.status_code in (200, 202)
        return
    check_problem(answer, 409, "wrong_status")
    room.refresh_from_db()
    assert (room.status, room.version) == (status, 1)
    assert not AuditEntry.objects.exists()
    assert not OutboxCommand.objects.exists()


def test_what_does_not_exist_is_404(api: Client) -> None:
    for path in ["rooms/1/", f"rooms/{2**63}/", "rooms/1/messages/", "rooms/one/", "nothing/", "", "rooms/1/fly/"]:
        check_problem(api.get(f"/api/v1/{path}"), 404, "not_found")
    check_problem(post(api, "/nothing/", {}), 404, "not_found")
    check_problem(Client(enforce_csrf_checks=True).post("/api/v1/nothing/"), 404, "not_found")
    room = factories.make_room()
    check_problem(api.get(f"/api/v1/rooms/{room.pk}/commands/{2**63}/"), 404, "not_found")


def test_methods_types_and_sizes_that_do_not_fit(api: Client, settings: Any) -> None:
    room = factories.make_room()
    refused = api.delete(f"/api/v1/rooms/{room.pk}/")
    check_problem(refused, 405, "method_not_allowed")
    assert "PATCH" in refused["Allow"]
    check_problem(api.get(f"/api/v1/rooms/{room.pk}/start/"), 405, "method_not_allowed")
    form = api.post("/api/v1/rooms/", {"title": "Tea"})
    check_problem(form, 415, "unsupported_media_type")
    check_problem(api.get("/api/v1/rooms/", headers={"Accept": "text/html"}), 406, "not_acceptable")
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    check_problem(post(api, "/rooms/", {"title": "x" * 100}), 413, "too_large")


def test_our_own_fault_is_a_problem_too(api: Client, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    def fail(*args: object, **kwargs: object) -> Room:
        raise RuntimeError("secret details")

    api.raise_request_exception = False
    room = factories.make_room()
    monkeypatch.setattr("rooms.api.control.start_room", fail)
    for debug in (False, True):
        settings.DEBUG = debug
        answer = post(api, f"/rooms/{room.pk}/start/", {})
        check_problem(answer, 500, "error")
        assert b"secret" not in answer.content


def test_who_calls_too_often_waits(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CallerThrottle, "rate", "2/min", raising=False)
    for _ in range(2):
        assert api.get("/api/v1/rooms/").status_code == 200
    refused = api.get("/api/v1/rooms/")
    check_problem(refused, 429, "throttled")
    assert 0 < int(refused["Retry-After"]) <= 60
    other = factories.make_client(key=factories.make_key())
    assert other.get("/api/v1/rooms/").status_code == 200


def test_a_lost_redis_holds_nobody_back(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*args: object, **kwargs: object) -> None:
        raise RedisConnectionError("gone")

    monkeypatch.setattr("django.core.cache.backends.redis.RedisCache.get", lost)
    assert api.get("/api/v1/rooms/").status_code == 200


def test_sentences_follow_the_callers_language_and_codes_do_not(api: Client) -> None:
    answer = api.get("/api/v1/rooms/1/", headers={"Accept-Language": "zh-hans"})
    check_problem(answer, 404, "not_found")
    assert answer["Content-Language"] == "zh-hans"
