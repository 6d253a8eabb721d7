from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.chat import protocol
from rooms.chat.elements import to_wire
from rooms.chat.protocol import GroupInfoChanged, MessageSent, PresenceChanged, StateChanged

SAMPLES: list[dict[str, Any]] = orjson.loads((Path(__file__).parent / "webhook_samples.json").read_bytes())
_BODIES = {sample["command"]: sample["body"] for sample in SAMPLES}
_TEXT = st.text(st.sampled_from('aé中\x00\\"0-'), max_size=6)
_ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=5,
)


def test_the_signature_is_the_published_one() -> None:
    published = "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061"

    assert protocol.signature("xxxxyyyy", "1669872112") == published


def test_a_delivered_message_is_read_with_its_seq_and_times() -> None:
    sent = protocol.parse_callback(protocol.AFTER_SEND, _BODIES[protocol.AFTER_SEND])

    assert isinstance(sent, MessageSent)
    body = _BODIES[protocol.AFTER_SEND]
    assert (sent.group_id, sent.account, sent.seq) == (body["GroupId"], body["From_Account"], body["MsgSeq"])
    assert sent.sent_at == datetime.fromtimestamp(body["MsgTime"], UTC)
    assert sent.event_at == datetime.fromtimestamp(body["EventTime"] / 1000, UTC)
    assert to_wire(sent.elements) == body["MsgBody"]


def test_a_message_before_delivery_has_no_seq_yet() -> None:
    sent = protocol.parse_callback(protocol.BEFORE_SEND, _BODIES[protocol.BEFORE_SEND])

    assert isinstance(sent, MessageSent)
    assert (sent.seq, sent.sent_at) == (None, None)
    assert sent.random == 2804799563


def test_joins_exits_and_states_say_who_is_inside() -> None:
    joined = protocol.parse_callback(protocol.JOINED, _BODIES[protocol.JOINED])
    left = protocol.parse_callback(protocol.EXITED, _BODIES[protocol.EXITED])
    state = protocol.parse_callback(protocol.MEMBER_STATE, _BODIES[protocol.MEMBER_STATE])

    assert isinstance(joined, PresenceChanged)
    assert isinstance(left, PresenceChanged)
    assert isinstance(state, PresenceChanged)
    assert (joined.is_present, left.is_present) == (True, False)
    assert state.is_present is (_BODIES[protocol.MEMBER_STATE]["EventType"] == "Online")
    assert all(len(change.accounts) >= 1 for change in (joined, left, state))


def test_only_the_changed_fields_of_a_group_are_given() -> None:
    change = protocol.parse_callback(
        protocol.GROUP_INFO_CHANGED, {"GroupId": "g", "Operator_Account": "o", "Notification": "new"}
    )

    assert isinstance(change, GroupInfoChanged)
    assert (change.notification, change.introduction, change.name) == ("new", None, None)


@pytest.mark.parametrize(
    ("reason", "is_online"),
    [("Register", True), ("Unregister", False), ("LinkClose", False), ("TimeOut", False), ("", False)],
)
def test_a_connection_is_judged_by_its_reason(reason: str, is_online: bool) -> None:
    change = protocol.parse_callback(protocol.STATE_CHANGED, {"Info": {"To_Account": "amy", "Reason": reason}})

    assert change == StateChanged("amy", is_online, reason, None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1767240095402, datetime(2026, 1, 1, 4, 1, 35, 402000, UTC)),
        ("1767240095402", datetime(2026, 1, 1, 4, 1, 35, 402000, UTC)),
        (None, None), (0, None), ("", None), ("soon", None), (True, None), (10**30, None), (-(10**18), None),
    ],
)  # fmt: skip
def test_event_time_is_milliseconds_as_number_or_text(value: object, expected: datetime | None) -> None:
    assert protocol.event_time({"EventTime": value}) == expected


@pytest.mark.parametrize("seq", [2**63, -(2**63) - 1, 2**64 - 1])
def test_a_seq_no_database_can_hold_counts_as_none(seq: int) -> None:
    sent = protocol.parse_callback(protocol.AFTER_SEND, {"GroupId": "g", "MsgSeq": seq, "Random": seq})

    assert isinstance(sent, MessageSent)
    assert (sent.seq, sent.random) == (None, 0)


@given(
    st.sampled_from([*_BODIES, "Group.Unheard"]),
    st.dictionaries(st.sampled_from(sorted({key for body in _BODIES.values() for key in body})), _ODD, max_size=6),
)
def test_no_field_type_is_too_odd(command: str, body: dict[str, Any]) -> None:
    protocol.parse_callback(command, body)
    assert len(protocol.dedupe_key(command, body, orjson.dumps(sorted(body)), "1")) <= 200


def test_a_delivered_message_is_the_same_event_however_it_is_written() -> None:
    body = {"GroupId": "g", "MsgSeq": 5, "MsgTime": 1767240120, "EventTime": 1}

    first = protocol.dedupe_key(protocol.AFTER_SEND, body, b"one", "100")
    again = protocol.dedupe_key(protocol.AFTER_SEND, {**body, "EventTime": 2}, b"two", "130")
    next_message = protocol.dedupe_key(protocol.AFTER_SEND, {**body, "MsgSeq": 6}, b"one", "100")
    other_group = protocol.dedupe_key(protocol.AFTER_SEND, {**body, "GroupId": "h"}, b"one", "100")
    recreated_group = protocol.dedupe_key(protocol.AFTER_SEND, {**body, "MsgTime": 1767250000}, b"one", "100")

    assert first == again
    assert len({first, next_message, other_group, recreated_group}) == 4


def test_events_with_a_time_are_known_by_their_bytes_and_others_by_the_requests_time_too() -> None:
    timed, untimed = {"EventTime": 5}, {"GroupId": "g"}

    assert protocol.dedupe_key("A.B", timed, b"x", "1") == protocol.dedupe_key("A.B", timed, b"x", "2")
    assert protocol.dedupe_key("A.B", untimed, b"x", "1") != protocol.dedupe_key("A.B", untimed, b"x", "2")
    assert protocol.dedupe_key("A.B", timed, b"x", "1") != protocol.dedupe_key("A.C", timed, b"x", "1")


def test_a_decision_is_answered_as_chat_reads_it() -> None:
    refused = orjson.loads(protocol.decision_answer(10101, "slow mode: wait 8 seconds"))
    replaced = orjson.loads(
        protocol.decision_answer(0, "", [{"kind": "text", "text": "***"}], cloud_custom_data='{"lv":7}')
    )

    assert refused == {"ActionStatus": "OK", "ErrorInfo": "slow mode: wait 8 seconds", "ErrorCode": 10101}
    assert replaced["MsgBody"] == [{"MsgType": "TIMTextElem", "MsgContent": {"Text": "***"}}]
    assert replaced["CloudCustomData"] == '{"lv":7}'
    assert orjson.loads(protocol.success_answer()) == {"ActionStatus": "OK", "ErrorInfo": "", "ErrorCode": 0}


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (rb'{"Text":"a\ud800b"}', "a\ufffdb"),
        (rb'{"Text":"\udfff"}', "\ufffd"),
        (rb'{"Text":"\ud83d\ude00"}', "😀"),
        (rb'{"Text":"\uD83D\uDE00\uD83D"}', "😀\ufffd"),
        (rb'{"Text":"\\ud800\udc00"}', "\\ud800\ufffd"),
    ],
)
def test_half_a_surrogate_pair_becomes_the_replacement_character(raw: bytes, text: str) -> None:
    assert protocol.read_body(raw) == {"Text": text}


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b'"x"', b"\xff{}", b'{"a":NaN}', b"[" * 100_000, b"{}x"])
def test_what_is_no_json_object_is_a_value_error(raw: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (orjson's own text is not ours to fix)
        protocol.read_body(raw)
