"""`kill -9` in the middle of everything: nothing is lost, nothing is counted or sent twice."""

import asyncio
import random
import threading
import time
from collections import Counter
from typing import Any, Final

import orjson
import pytest
from django.db.models import Max, Min, Sum

from rooms import inbox, outbox, redis
from rooms.actors import Actor
from rooms.chat import protocol
from rooms.models import Membership, Message, OutboxCommand, Room, User, WebhookDelivery
from rooms.services import lifecycle
from stats.models import RoomMinute
from tests.conftest import Stack
from tests.rooms.callbacks import message_body, presence_body, signed_query
from tests.services import eventually

ROOMS: Final = 25
MESSAGES_A_ROOM: Final = 196
JOINS_A_ROOM: Final = 4
ROUNDS: Final = 4
COMMANDS_A_ROUND: Final = 5
COMMANDS_A_ROOM: Final = ROUNDS * COMMANDS_A_ROUND
SYSTEM = Actor.of_system("tests")
State = OutboxCommand.State


def _callbacks(rooms: list[Room]) -> list[tuple[str, bytes]]:
    """5,000 different callbacks of all rooms, mixed, and every tenth of them twice."""
    now = time.time()
    found: list[tuple[str, bytes]] = []
    for room in rooms:
        for seq in range(1, MESSAGES_A_ROOM + 1):
            # Far from the seqs that Chat itself gives to what the commands send.
            body = message_body(room.group_id, 1_000_000 + seq, f"message {seq}", at=now - seq / 10)
            found.append((protocol.AFTER_SEND, orjson.dumps(body)))
        for number in range(JOINS_A_ROOM):
            body = presence_body(protocol.JOINED, room.group_id, f"viewer{number}", at=now + number)
            found.append((protocol.JOINED, orjson.dumps(body)))
    repeated = found + found[::10]
    random.Random(7).shuffle(repeated)
    return repeated


async def _post_all(port: int, callbacks: list[tuple[str, bytes]], answers: Counter[int]) -> None:
    """Over sixteen kept connections, as Chat does; bare ones, because the client shares the machine with the rest."""
    waiting = list(callbacks)

    async def post_on_one_connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while waiting:
            command, body = waiting.pop()
            head = f"POST /webhooks/chat/?{signed_query(command)} HTTP/1.1\r\nHost: localhost\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            await reader.readexactly(int(answer.partition("content-length: ")[2].partition("\r\n")[0]))
            answers[int(answer.split()[1])] += 1
        writer.close()

    await asyncio.gather(*(post_on_one_connection() for _ in range(16)))


def _kill_in_the_act(stack: Stack) -> None:
    """Kill ingest while it holds callbacks and the worker while it sends, and start both anew."""
    eventually(lambda: _entries_in_hand() > 0, seconds=30, what="ingest holding callbacks")
    stack.ingest.kill()
    eventually(OutboxCommand.objects.filter(state=State.SENDING).exists, seconds=30, what="the worker sending")
    stack.worker.kill()
    for service in (stack.ingest, stack.worker):
        service.begin()
    for service in (stack.ingest, stack.worker):
        service.wait()


def _entries_in_hand() -> int:
    """Stream entries that were read and not yet acknowledged."""
    return int(redis.connection().xpending(redis.INBOX_STREAM, inbox.GROUP)["pending"])


def _unsettled() -> int:
    return OutboxCommand.objects.filter(state__in=[State.PENDING, State.SENDING]).count()


@pytest.mark.timeout(240)
def test_nothing_is_lost_or_doubled_when_worker_and_ingest_are_killed(stack: Stack, anchor: User) -> None:
    rooms = [
        lifecycle.create_room(actor=SYSTEM, title=f"Room {number}", anchor=anchor, group_id=f"crash_{number}")
        for number in range(ROOMS)
    ]
    eventually(lambda: _unsettled() == 0, seconds=60, what="the groups")
    created = OutboxCommand.objects.count()
    callbacks = _callbacks(rooms)
    answers: Counter[int] = Counter()
    commands: list[OutboxCommand] = []

    for part in range(ROUNDS):
        share = callbacks[part::ROUNDS]
        poster = threading.Thread(target=lambda share=share: asyncio.run(_post_all(stack.server.port, share, answers)))
        poster.start()
        commands += _record_commands(rooms, range(part * COMMANDS_A_ROUND, (part + 1) * COMMANDS_A_ROUND))
        _kill_in_the_act(stack)
        poster.join(60)

    assert answers == {200: len(callbacks)}
    eventually(lambda: _unsettled() == 0, seconds=90, what="every command being settled")
    eventually(
        lambda: Message.objects.filter(seq__gt=1_000_000).count() >= ROOMS * MESSAGES_A_ROOM,
        seconds=60,
        what="every message being stored",
    )
    eventually(
        lambda: Message.objects.filter(is_from_rest=True).count() >= ROOMS * COMMANDS_A_ROOM,
        seconds=30,
        what="the echoes of the commands",
    )
    _assert_stored_once(rooms)
    _assert_sent_once(stack, rooms, commands)
    assert OutboxCommand.objects.count() == created + len(commands)


def _record_commands(rooms: list[Room], numbers: range) -> list[OutboxCommand]:
    return [
        outbox.record(room, call="send_group_msg", payload=_payload(room, number), label="Send", actor=SYSTEM)
        for number in numbers
        for room in rooms
    ]


def _payload(room: Room, number: int) -> dict[str, Any]:
    text = {"kind": "text", "text": f"command {number}"}
    return {"group_id": room.group_id, "elements": [text], "priority": "High"}


def _assert_stored_once(rooms: list[Room]) -> None:
    assert not WebhookDelivery.objects.exclude(state__in=["handled", "ignored"]).exists()
    for room in rooms:
        room.refresh_from_db()
        posted = Message.objects.filter(room=room, seq__gt=1_000_000)
        assert posted.aggregate(Min("seq"), Max("seq")) == {
            "seq__min": 1_000_001, "seq__max": 1_000_000 + MESSAGES_A_ROOM
        }  # fmt: skip
        assert posted.count() == MESSAGES_A_ROOM
        assert room.message_count == Message.objects.filter(room=room).count()
        assert room.online_count == Membership.objects.filter(room=room, is_present=True).count() == JOINS_A_ROOM
        minutes = RoomMinute.objects.filter(room=room).aggregate(messages=Sum("message_count"), joins=Sum("join_count"))
        assert minutes == {"messages": room.message_count, "joins": JOINS_A_ROOM}


def _assert_sent_once(stack: Stack, rooms: list[Room], commands: list[OutboxCommand]) -> None:
    settled = OutboxCommand.objects.filter(pk__in=[command.pk for command in commands])
    assert Counter(settled.values_list("state", flat=True)) == {State.APPLIED: len(commands)}
    assert settled.values("room", "message_seq").distinct().count() == len(commands)
    for room in rooms:
        delivered = Message.objects.filter(room=room, is_from_rest=True)
        assert Counter(delivered.values_list("text", flat=True)) == {
            f"command {number}": 1 for number in range(COMMANDS_A_ROOM)
        }
        shown = [message["random"] for message in stack.simulator.messages(room.group_id)]
        assert len(shown) == len(set(shown))
    wanted = {command.random for command in commands}
    tried = {call["body"]["Random"] for call in stack.simulator.calls("send_group_msg")}
    assert tried == wanted
