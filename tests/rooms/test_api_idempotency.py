"""`Idempotency-Key`: what creates is carried out once, however often it is sent."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from rooms.api.idempotency import LEASE
from rooms.models import BusinessApp, IdempotentAnswer, OutboxCommand, Room, User
from rooms.services.lifecycle import create_room
from tests import factories

pytestmark = pytest.mark.django_db

TEA = {"title": "Tea", "anchor": "anchor1"}


def post(client: Client, path: str, body: Any, key: str = "once") -> Any:
    return client.post(f"/api/v1{path}", body, content_type="application/json", headers={"Idempotency-Key": key})


def test_a_repeat_gets_the_first_answer(api: Client, anchor: User) -> None:
    first = post(api, "/rooms/", TEA)
    Room.objects.update(title="Changed since")
    again = post(api, "/rooms", '{ "anchor": "anchor1", "title": "Tea" }')
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert (first["Location"], first["ETag"]) == (again["Location"], again["ETag"])
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert Room.objects.count() == 1


def test_a_message_is_sent_once(api: Client) -> None:
    room = factories.make_room(status="on_live")
    answers = [post(api, f"/rooms/{room.pk}/messages/", {"text": "Hello"}) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer["Location"] for answer in answers}) == 1
    assert OutboxCommand.objects.count() == 1
    assert post(api, f"/rooms/{room.pk}/messages/", {"text": "Hello"}, key="twice").status_code == 202
    assert OutboxCommand.objects.count() == 2


def test_the_same_key_for_something_else_is_refused(api: Client, anchor: User) -> None:
    room = factories.make_room(status="on_live", anchor=anchor)
    post(api, "/rooms/", TEA)
    for path, body in [("/rooms/", TEA | {"title": "Rock"}), (f"/rooms/{room.pk}/messages/", {"text": "Hello"})]:
        refused = post(api, path, body)
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
        assert "errors" not in refused.json()
    assert Room.objects.count() == 2
    assert OutboxCommand.objects.filter(call="send_group_msg").count() == 0


def test_keys_of_two_apps_have_nothing_to_do_with_each_other(anchor: User) -> None:
    app = BusinessApp.objects.create(name="Tea shop")
    old, new = (factories.make_client(key=factories.make_key(app=app)) for _ in range(2))
    other = factories.make_client(key=factories.make_key())
    first = post(old, "/rooms/", TEA).json()["id"]
    assert post(new, "/rooms/", TEA).json()["id"] == first
    assert post(other, "/rooms/", TEA).json()["id"] != first


def test_a_refusal_is_repeated_too(api: Client, anchor: User) -> None:
    room = factories.make_room(status="ended", anchor=anchor)
    for _ in range(2):
        answer = post(api, f"/rooms/{room.pk}/messages/", {"text": "Hello"})
        assert (answer.status_code, answer.json()["code"]) == (409, "wrong_status")
        assert answer["Content-Type"] == "application/problem+json"
    assert answer["Idempotency-Replayed"] == "true"
    for _ in range(2):
        answer = post(api, "/rooms/", {"title": ""}, key="another")
        assert [error["field"] for error in answer.json()["errors"]] == ["title", "anchor"]


def test_while_the_first_is_running_a_repeat_is_409(api: Client, anchor: User, monkeypatch: pytest.MonkeyPatch) -> None:
    meanwhile: list[Any] = []

    def create_slowly(**kwargs: Any) -> Room:
        meanwhile.append(post(api, "/rooms/", TEA))
        return create_room(**kwargs)

    monkeypatch.setattr("rooms.api.rooms.create_room", create_slowly)
    assert post(api, "/rooms/", TEA).status_code == 201
    assert (meanwhile[0].status_code, meanwhile[0].json()["code"]) == (409, "idempotency_in_progress")
    assert Room.objects.count() == 1


def test_our_own_fault_is_not_kept(api: Client, anchor: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**kwargs: Any) -> Room:
        create_room(**kwargs)
        raise RuntimeError("after the work")

    api.raise_request_exception = False
    with monkeypatch.context() as patch:
        patch.setattr("rooms.api.rooms.create_room", fail)
        assert post(api, "/rooms/", TEA).status_code == 500
    assert not Room.objects.exists()
    assert not IdempotentAnswer.objects.exists()
    assert post(api, "/rooms/", TEA).status_code == 201


def test_the_claim_of_a_process_that_died_is_taken_over(
    api: Client, anchor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(**kwargs: Any) -> Room:
        create_room(**kwargs)
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr("rooms.api.rooms.create_room", die)
        with pytest.raises(SystemExit):
            post(api, "/rooms/", TEA)
    assert not Room.objects.exists()
    assert post(api, "/rooms/", TEA).json()["code"] == "idempotency_in_progress"
    IdempotentAnswer.objects.update(created_at=timezone.now() - LEASE - timedelta(seconds=1))
    assert post(api, "/rooms/", TEA).status_code == 201
    assert post(api, "/rooms/", TEA)["Idempotency-Replayed"] == "true"


def test_who_was_slow_and_lost_the_claim_changes_nothing(
    api: Client, anchor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    winner: list[Any] = []

    def lose(**kwargs: Any) -> Room:
        if not winner:
            winner.append(None)
            IdempotentAnswer.objects.update(created_at=timezone.now() - LEASE - timedelta(seconds=1))
            winner[0] = post(api, "/rooms/", TEA)
        return create_room(**kwargs)

    monkeypatch.setattr("rooms.api.rooms.create_room", lose)
    late = post(api, "/rooms/", TEA)
    assert (late.status_code, late.json()["code"]) == (409, "idempotency_in_progress")
    assert not Room.objects.exists()


@pytest.mark.parametrize("key", ["", "with space", "x" * 256, "ключ"])
def test_an_odd_key_is_refused(api: Client, anchor: User, key: str) -> None:
    refused = post(api, "/rooms/", TEA, key=key)
    assert refused.status_code == 400
    assert [error["field"] for error in refused.json()["errors"]] == ["Idempotency-Key"]
    assert not Room.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_creates(api_key: str, anchor: User) -> None:
    count = 6
    barrier = Barrier(count)

    def create() -> Any:
        client = factories.make_client(key=api_key)
        barrier.wait(10)
        try:
            return post(client, "/rooms/", TEA)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        answers = [future.result() for future in [pool.submit(create) for _ in range(count)]]
    assert Room.objects.count() == 1
    assert OutboxCommand.objects.filter(call="create_group").count() == 1
    created = [answer for answer in answers if answer.status_code == 201]
    assert {answer.json()["id"] for answer in created} == {Room.objects.get().pk}
    assert len([answer for answer in created if "Idempotency-Replayed" not in answer]) == 1
    assert {answer.json()["code"] for answer in answers if answer not in created} <= {"idempotency_in_progress"}
    assert post(factories.make_client(key=api_key), "/rooms/", TEA)["Idempotency-Replayed"] == "true"
