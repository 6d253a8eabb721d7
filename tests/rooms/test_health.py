from typing import Any

import pytest
from django.test import Client

from rooms import health, inbox, redis
from rooms.models import OutboxCommand, Room
from tests.conftest import Stack
from tests.factories import make_room
from tests.rooms.callbacks import message_entry
from tests.rooms.test_outbox import record
from tests.services import Service, eventually


def _metrics(client: Client, settings: Any) -> str:
    settings.METRICS_TOKEN = "scrape-me"
    answer = client.get("/metrics", headers={"Authorization": "Bearer scrape-me"})
    assert answer.status_code == 200
    return answer.content.decode()


def _ready(client: Client) -> tuple[int, dict[str, str]]:
    answer = client.get("/readyz")
    assert answer.headers["Cache-Control"].startswith("max-age=0")
    return answer.status_code, answer.json()["parts"]


@pytest.mark.django_db
def test_alive_is_answered_without_asking_anybody(
    client: Client, redis_server: Service, django_assert_num_queries: object
) -> None:
    assert callable(django_assert_num_queries)
    redis_server.kill()

    with django_assert_num_queries(0):
        answer = client.get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"ok")


@pytest.mark.django_db
def test_ready_names_what_is_missing(client: Client) -> None:
    status, parts = _ready(client)

    assert status == 503
    assert (parts["database"], parts["redis"]) == ("ok", "ok")
    assert "no sign of life" in parts["worker"]
    assert "no sign of life" in parts["ingest"]


@pytest.mark.django_db
def test_ready_when_every_part_gives_signs_of_life(client: Client) -> None:
    health.record_pulse()
    health.record_pulse("ingest")

    assert _ready(client) == (200, dict.fromkeys(("database", "redis", "worker", "ingest"), "ok"))
    assert redis.connection().ttl(f"{redis.PULSE_PREFIX}worker") <= health.PULSE_LIMIT_SECONDS


@pytest.mark.django_db
def test_not_ready_without_redis(client: Client, redis_server: Service) -> None:
    redis_server.kill()

    status, parts = _ready(client)

    assert status == 503
    assert "unreachable" in parts["redis"]
    assert parts["worker"] == "unknown without Redis"


@pytest.mark.django_db
def test_the_metrics_open_to_their_token_alone(client: Client, settings: Any) -> None:
    assert client.get("/metrics").status_code == 403

    settings.METRICS_TOKEN = "scrape-me"

    assert client.get("/metrics").status_code == 403
    assert client.get("/metrics", headers={"Authorization": "Bearer scrape-you"}).status_code == 403
    assert _metrics(client, settings)


@pytest.mark.django_db
def test_the_metrics_count_what_waits(client: Client, settings: Any) -> None:
    room = make_room(status=Room.Status.ON_LIVE)
    record(room)
    failed = record(room)
    OutboxCommand.objects.filter(pk=failed.pk).update(state=OutboxCommand.State.FAILED)
    inbox.append([message_entry("room_1", 1)])

    text = _metrics(client, settings)

    for line in (
        'greenroom_outbox_commands{state="pending"} 1.0',
        'greenroom_outbox_commands{state="failed"} 1.0',
        'greenroom_rooms{status="on_live"} 1.0',
        "greenroom_inbox_entries 1.0",
        'greenroom_part_ready{part="database"} 1.0',
        'greenroom_part_ready{part="worker"} 0.0',
    ):
        assert line in text


@pytest.mark.django_db
def test_the_metrics_answer_without_redis(client: Client, redis_server: Service, settings: Any) -> None:
    redis_server.kill()

    text = _metrics(client, settings)

    assert "greenroom_inbox_entries -1.0" in text
    assert 'greenroom_part_ready{part="redis"} 0.0' in text


def test_a_greenroom_at_work_is_ready(stack: Stack, client: Client) -> None:
    eventually(lambda: _ready(client)[0] == 200, seconds=20, what="readiness")
