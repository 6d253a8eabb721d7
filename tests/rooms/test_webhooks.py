import asyncio
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
import time_machine
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from rooms import dispatch, inbox, webhooks
from rooms.chat import protocol
from rooms.chat.protocol import MessageSent
from rooms.dispatch import Decision
from rooms.inbox import Appender
from rooms.models import Message, WebhookDelivery
from rooms.webhooks import BODY_BYTES_LIMIT, ChatWebhooks, answer
from tests.factories import make_room
from tests.rooms.callbacks import ingest_all, message_body, signed_query
from tests.rooms.test_protocol import SAMPLES
from tests.services import Service

NOW = 1767240100.0
URL = "/webhooks/chat/"
OK = b'{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}'
Post = Callable[..., tuple[int, bytes]]


def _post_asgi(query: str, body: bytes, *, method: str = "POST", chunks: int = 1) -> tuple[int, bytes]:
    """Through the plain ASGI front, the body in so many pieces."""
    size = len(body) // chunks + 1
    pieces = [body[start : start + size] for start in range(0, max(len(body), 1), size)]
    incoming = [
        {"type": "http.request", "body": piece, "more_body": index + 1 < len(pieces)}
        for index, piece in enumerate(pieces)
    ]
    sent: list[dict[str, Any]] = []

    async def run() -> None:
        appender = Appender()

        async def receive() -> dict[str, Any]:
            return incoming.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        await ChatWebhooks(appender)({"type": "http", "method": method, "query_string": query.encode()}, receive, send)
        await appender.close()

    asyncio.run(run())
    return sent[0]["status"], sent[1]["body"]


def _post_django(query: str, body: bytes, *, method: str = "POST", chunks: int = 1) -> tuple[int, bytes]:
    """Through the Django view, under the whole of its middleware."""
    response = Client().generic(method, f"{URL}?{query}", body, content_type="text/plain")
    return response.status_code, response.content


FRONTS = {"asgi": _post_asgi, "django": _post_django}


@pytest.fixture(params=FRONTS)
def post(request: pytest.FixtureRequest, db: None) -> Post:
    front: Post = FRONTS[request.param]
    return front


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def samples_application(settings: Any) -> None:
    settings.CHAT = dataclasses.replace(
        settings.CHAT, sdkappid=1400900417, webhook_tokens=("next-token-first", "demo-callback-token")
    )


def _body(**fields: Any) -> bytes:
    return orjson.dumps(message_body("room_1", 1, at=NOW, **fields))


def _stored() -> list[tuple[str, str]]:
    return list(WebhookDelivery.objects.order_by("pk").values_list("command", "state"))


@pytest.mark.django_db
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["command"])
def test_every_documented_callback_is_answered_ok_and_stored_once_when_sent_twice(
    sample: dict[str, Any], post: Post, samples_application: None
) -> None:
    query = "&".join(f"{key}={value}" for key, value in sample["query"].items())
    body = orjson.dumps(sample["body"])

    with time_machine.travel(int(sample["query"]["RequestTime"]), tick=False):
        answers = [post(query, body), post(query, body)]
    ingest_all()

    assert answers == [(200, OK), (200, OK)]
    [(command, state)] = _stored()
    assert command == sample["command"]
    assert state in {WebhookDelivery.State.HANDLED, WebhookDelivery.State.IGNORED}
    assert dispatch.is_handled(command) == (state == WebhookDelivery.State.HANDLED)


HANDLED = {
    "Group.CallbackBeforeSendMsg", "Group.CallbackAfterSendMsg", "Group.CallbackAfterNewMemberJoin",
    "Group.CallbackAfterMemberExit", "Group.CallbackOnMemberStateChange", "Group.CallbackAfterGroupInfoChanged",
    "Group.CallbackAfterGroupDestroyed", "State.StateChange",
}  # fmt: skip


@pytest.mark.parametrize("command", sorted(HANDLED))
def test_the_callbacks_a_room_lives_by_are_handled(command: str) -> None:
    assert dispatch.is_handled(command)
    assert command not in dispatch.IGNORED


REFUSALS: dict[str, tuple[Callable[[], str], Callable[[], bytes], int]] = {
    "wrong token": (lambda: signed_query("Group.X", at=NOW, token="guessed"), _body, 403),
    "no signature": (lambda: signed_query("Group.X", at=NOW, Sign=None), _body, 403),
    "empty signature": (lambda: signed_query("Group.X", at=NOW, Sign=""), _body, 403),
    "signature not ASCII": (lambda: signed_query("Group.X", at=NOW, Sign="é"), _body, 403),
    "no time": (lambda: signed_query("Group.X", at=NOW, RequestTime=None), _body, 403),
    "another second": (lambda: signed_query("Group.X", at=NOW, RequestTime=str(int(NOW) + 1)), _body, 403),
    "61 s old": (lambda: signed_query("Group.X", at=NOW - 61), _body, 403),
    "61 s ahead": (lambda: signed_query("Group.X", at=NOW + 61), _body, 403),
    "time in words": (
        lambda: signed_query("Group.X", RequestTime="now", Sign=_signature_of("now")), _body, 403,
    ),
    "time in other digits": (
        lambda: signed_query("Group.X", RequestTime="１７６７", Sign=_signature_of("１７６７")), _body, 403,
    ),
    "another application": (lambda: signed_query("Group.X", at=NOW, SdkAppid="1400000002"), _body, 403),
    "no application": (lambda: signed_query("Group.X", at=NOW, SdkAppid=None), _body, 403),
    "no query": (lambda: "", _body, 403),
    "too large": (lambda: signed_query("Group.X", at=NOW), lambda: b" " * (BODY_BYTES_LIMIT + 1), 413),
    "far too large": (lambda: signed_query("Group.X", at=NOW), lambda: b" " * 3_000_000, 413),
    "no command": (lambda: signed_query("Group.X", at=NOW, CallbackCommand=None), _body, 400),
    "command with a space": (lambda: signed_query("Group. X", at=NOW), _body, 400),
    "command of 200 letters": (lambda: signed_query("Group." + "x" * 200, at=NOW), _body, 400),
    "empty body": (lambda: signed_query("Group.X", at=NOW), lambda: b"", 400),
    "not UTF-8": (lambda: signed_query("Group.X", at=NOW), lambda: b'{"GroupId":"\xff"}', 400),
    "UTF-16": (lambda: signed_query("Group.X", at=NOW), lambda: '{"GroupId":"a"}'.encode("utf-16"), 400),
    "an array": (lambda: signed_query("Group.X", at=NOW), lambda: b"[{}]", 400),
    "too deep": (lambda: signed_query("Group.X", at=NOW), lambda: b'{"a":' * 5000 + b"1" + b"}" * 5000, 400),
    "cut short": (lambda: signed_query("Group.X", at=NOW), lambda: _body()[:-3], 400),
}  # fmt: skip


def _signature_of(request_time: str) -> str:
    return protocol.signature("tests-callback-token", request_time)


@pytest.mark.django_db
@pytest.mark.parametrize("name", REFUSALS)
def test_what_is_not_chats_is_refused_and_leaves_nothing(name: str, post: Post, clock: object, settings: Any) -> None:
    query, body, status = REFUSALS[name]

    given_status, content = post(query(), body())
    ingest_all()

    assert given_status == status
    assert orjson.loads(content)["ActionStatus"] == "FAIL"
    assert "tests-callback-token" not in content.decode()
    assert _stored() == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query",
    [
        lambda: signed_query("Group.X", at=NOW),
        lambda: signed_query("Group.X", at=NOW - 60),
        lambda: signed_query("Group.X", at=NOW + 60),
        lambda: signed_query("Group.X", at=NOW, token="tests-next-callback-token"),
        lambda: signed_query("Group.X", at=NOW, Sign=_signature_of(str(int(NOW))).upper()),
        lambda: signed_query("Group.X", at=NOW, OptPlatform=None, ClientIP=None, contenttype="JSON"),
        lambda: signed_query("Group.X", at=NOW, RequestID="7f2d", OptPlatform="x" * 80),
    ],
    ids=["fresh", "60 s old", "60 s ahead", "second token", "upper case", "no platform", "odd extras"],
)
def test_a_command_nobody_knows_is_answered_ok_and_kept_as_unknown(
    query: Callable[[], str], post: Post, clock: object
) -> None:
    assert post(query(), b'{"New":1}') == (200, OK)
    ingest_all()

    assert _stored() == [("Group.X", WebhookDelivery.State.UNKNOWN)]


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_only_post_is_a_webhook(method: str, post: Post, clock: object) -> None:
    status, _ = post(signed_query("Group.X", at=NOW), b"", method=method)

    assert status == 405


@pytest.mark.django_db
def test_a_body_may_arrive_in_pieces(clock: object) -> None:
    assert _post_asgi(signed_query(protocol.AFTER_SEND, at=NOW), _body(), chunks=7) == (200, OK)
    ingest_all()

    assert _stored() == [(protocol.AFTER_SEND, WebhookDelivery.State.HANDLED)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("raw_text", "text"),
    [
        (rb"a\u0000b", "a\ufffdb"),
        (rb"\ud83d", "\ufffd"),
        (rb"\ud83d\ude00 \\u0000", "😀 \\u0000"),
        ("你好 🎉".encode(), "你好 🎉"),
    ],
    ids=["NUL", "half a pair", "escaped backslash", "Chinese and emoji"],
)
def test_every_text_a_client_can_write_is_stored(raw_text: bytes, text: str, post: Post, clock: object) -> None:
    room = make_room(group_id="room_1")
    body = _body(MsgBody=[{"MsgType": "TIMTextElem", "MsgContent": {"Text": "TEXT"}}]).replace(b"TEXT", raw_text)

    assert post(signed_query(protocol.AFTER_SEND, at=NOW), body) == (200, OK)
    ingest_all()

    assert Message.objects.get(room=room).text == text
    assert _stored() == [(protocol.AFTER_SEND, WebhookDelivery.State.HANDLED)]


@pytest.mark.django_db
def test_a_decision_leaves_as_the_answer_and_is_kept(
    post: Post, clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(message: MessageSent) -> Decision:
        return Decision(10101, f"slow down, {message.account}")

    monkeypatch.setitem(dispatch._deciders, protocol.BEFORE_SEND, refuse)

    status, content = post(signed_query(protocol.BEFORE_SEND, at=NOW), _body())
    ingest_all()

    assert status == 200
    assert orjson.loads(content) == {"ActionStatus": "OK", "ErrorInfo": "slow down, amy", "ErrorCode": 10101}
    assert WebhookDelivery.objects.get().decision == 10101


@pytest.mark.django_db
def test_a_decision_that_fails_lets_the_message_pass_and_says_so(
    post: Post, clock: object, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(message: MessageSent) -> Decision:
        raise RuntimeError("no policy")

    monkeypatch.setitem(dispatch._deciders, protocol.BEFORE_SEND, fail)

    assert post(signed_query(protocol.BEFORE_SEND, at=NOW), _body()) == (200, OK)
    assert "decision failed" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_without_redis_callbacks_go_straight_to_the_table(post: Post, clock: object, redis_server: Service) -> None:
    room = make_room(group_id="room_1")
    redis_server.kill()

    assert post(signed_query(protocol.AFTER_SEND, at=NOW), _body()) == (200, OK)
    assert _stored() == [(protocol.AFTER_SEND, WebhookDelivery.State.RECEIVED)]
    assert Message.objects.filter(room=room).count() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("command", "status"), [(protocol.AFTER_SEND, 503), (protocol.BEFORE_SEND, 200)])
def test_what_can_be_stored_nowhere_is_asked_for_again_unless_somebody_waits_for_the_answer(
    command: str,
    status: int,
    post: Post,
    clock: object,
    redis_server: Service,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(entries: object) -> None:
        raise RuntimeError("no database either")

    monkeypatch.setattr("rooms.deliveries.store_directly", fail)
    redis_server.kill()

    assert post(signed_query(command, at=NOW), _body())[0] == status


def test_the_signature_is_never_logged(caplog: pytest.LogCaptureFixture, clock: object) -> None:
    query = signed_query("Group.X", at=NOW - 100)

    answer(query.encode(), b"{}", NOW)

    assert "refused" in caplog.text
    assert protocol.signature("tests-callback-token", str(int(NOW - 100))) not in caplog.text


_QUERY_VALUE = st.text(st.sampled_from("aG.%&=+0é\x00１"), max_size=12)
_GOOD_BODY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.sampled_from('a\x00"\\é'), max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["GroupId", "MsgBody", "MsgSeq", "EventTime", "Info", "MsgType"]), inner)
    ),
    max_leaves=8,
)


@given(query=st.binary(max_size=200), body=st.binary(max_size=200))
def test_no_request_whatever_makes_the_door_fail(query: bytes, body: bytes) -> None:
    assert answer(query, body, NOW).status in {200, 400, 403, 413}


@given(
    command=st.sampled_from([sample["command"] for sample in SAMPLES]),
    changes=st.dictionaries(st.sampled_from(["OptPlatform", "RequestTime", "Sign", "CallbackCommand"]), _QUERY_VALUE),
    body=st.dictionaries(st.sampled_from(["GroupId", "MsgBody", "MsgSeq", "EventTime", "Info"]), _GOOD_BODY),
)
@hypothesis_settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_no_signed_request_makes_the_door_fail(command: str, changes: dict[str, str], body: dict[str, Any]) -> None:
    try:
        raw = orjson.dumps(body)
    except TypeError:  # numbers beyond 64 bits are not JSON that orjson writes
        raw = b"{}"

    reply = answer(signed_query(command, at=NOW, **changes).encode(), raw, NOW)

    assert reply.status in {200, 400, 403}
    if reply.entry is not None:
        decoded = inbox.Entry.decode(reply.entry.encode())
        assert (decoded.command, decoded.raw) == (reply.entry.command, raw)


def test_both_fronts_stand_before_the_same_function() -> None:
    assert webhooks.answer is answer
    assert __import__("rooms.views.webhooks", fromlist=["answer"]).answer is answer
