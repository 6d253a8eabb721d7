"""The webhooks the simulator fires: query, signature, bodies, decisions and the two-second rule."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from rooms.chat.simulator.settings import Settings
from tests.rooms.simulator_stage import TOKEN, Stage, stage, text_body

BEFORE = "Group.CallbackBeforeSendMsg"
AFTER = "Group.CallbackAfterSendMsg"
EXCEPTION = "Group.CallbackSendMsgException"


@pytest.fixture(scope="module")
def shared() -> Iterator[Stage]:
    with stage() as found:
        yield found


@pytest.fixture
def chat(shared: Stage) -> Iterator[Stage]:
    shared.room()
    shared.receiver.wait("Group.CallbackAfterCreateGroup")
    yield shared
    shared.reset()


def test_a_message_is_asked_about_and_reported(chat: Stage) -> None:
    chat.join("viewer_1", platform="iOS")
    assert chat.speak("viewer_1", "hello") == {"delivered": True, "code": 0, "info": "", "seq": 1}
    before, after = chat.receiver.wait(BEFORE)[0], chat.receiver.wait(AFTER)[0]
    assert before["keys"] == [
        "SdkAppid",
        "CallbackCommand",
        "contenttype",
        "ClientIP",
        "OptPlatform",
        "Sign",
        "RequestTime",
    ]
    query = before["query"]
    assert (query["SdkAppid"], query["contenttype"], query["OptPlatform"]) == ("1400000001", "json", "iOS")
    assert query["Sign"] == hashlib.sha256((TOKEN + query["RequestTime"]).encode()).hexdigest()
    body = before["body"]
    assert body["CallbackCommand"] == BEFORE
    assert body["MsgBody"] == text_body("hello")
    assert (body["GroupId"], body["Type"], body["From_Account"]) == ("room_1", "AVChatRoom", "viewer_1")
    assert (body["MsgPriority"], body["OnlineOnlyFlag"]) == ("Normal", 0)
    assert body["EventTime"] > 10**12
    assert "MsgSeq" not in body
    assert after["body"]["MsgSeq"] == 1
    assert after["body"]["MsgTime"] < 10**10
    assert (after["body"]["MsgId"], after["body"]["Random"]) == (body["MsgId"], body["Random"])
    assert before["raw"].startswith(b'{"CallbackCommand":"Group.CallbackBeforeSendMsg","CloudCustomData":""')


def decide(chat: Stage, **answer: object) -> None:
    chat.receiver.answers[BEFORE] = {"ActionStatus": "OK", "ErrorInfo": "", "ErrorCode": 0, **answer}


@pytest.mark.parametrize(
    ("answer", "delivered", "code"),
    [
        ({"ErrorCode": 1}, False, 10016),
        ({"ErrorCode": 2}, False, 0),
        ({"ErrorCode": 10101, "ErrorInfo": "slow mode"}, False, 10101),
        ({"ErrorCode": 10201}, False, 10016),
        ({"ErrorCode": 777}, False, 10016),
        ({"ErrorCode": "1"}, True, 0),
    ],
)
def test_the_receiver_s_decision_is_followed(chat: Stage, answer: dict, delivered: bool, code: int) -> None:
    chat.join("viewer_1")
    decide(chat, **answer)
    said = chat.speak("viewer_1")
    assert (said["delivered"], said["code"]) == (delivered, code)
    if code == 10101:
        assert said["info"] == "slow mode"
    assert len(chat.shown()["messages"]) == delivered
    if not delivered:
        assert chat.send(ForbidCallbackControl=["ForbidBeforeSendMsgCallback"])["MsgSeq"] == 1
        assert len(chat.receiver.wait(AFTER)) == 1
        assert chat.receiver.of(EXCEPTION) == []


def test_a_rewritten_message_goes_out_rewritten(chat: Stage) -> None:
    chat.join("viewer_1")
    decide(chat, MsgBody=text_body("***"), CloudCustomData='{"filtered":true}')
    chat.speak("viewer_1", "rude")
    assert chat.receiver.wait(AFTER)[0]["body"]["MsgBody"] == text_body("***")
    shown = chat.shown()["messages"][0]
    assert (shown["body"], shown["cloud_custom_data"]) == (text_body("***"), '{"filtered":true}')
    decide(chat, MsgBody=[{"MsgType": "Nonsense"}])
    chat.speak("viewer_1", "unchanged")
    assert chat.shown()["messages"][1]["body"] == text_body("unchanged")


@pytest.mark.parametrize("answer", [500, 403, b"not json", b"[]", 204])
def test_a_failed_webhook_falls_back_to_the_policy(chat: Stage, answer: object) -> None:
    chat.join("viewer_1")
    chat.receiver.answers[BEFORE] = answer
    assert chat.speak("viewer_1")["delivered"] is True
    chat.set(deliver_on_webhook_failure=False)
    assert chat.speak("viewer_1")["code"] == 10016
    assert chat.shown()["tally"]["webhook_failed"] == 2
    failed = chat.sim("GET", f"webhooks?command={BEFORE}")["webhooks"]
    assert all(one["error"] for one in failed)


def test_a_late_answer_counts_as_none(chat: Stage) -> None:
    chat.join("viewer_1")
    chat.set(webhook_timeout_seconds=0.05)
    decide(chat, ErrorCode=1)
    chat.sim("POST", "faults", {"command": BEFORE, "kind": "delay", "value": 1, "times": 1})
    assert chat.speak("viewer_1")["delivered"] is True
    assert chat.sim("GET", f"webhooks?command={BEFORE}")["webhooks"][-1]["error"] == "no answer in time"
    chat.set(webhook_timeout_seconds=2.0)
    assert chat.speak("viewer_1")["code"] == 10016


def test_nobody_listening_does_not_stop_the_room() -> None:
    with stage(webhook_url="http://127.0.0.1:9/webhooks/chat/") as alone:
        alone.room()
        alone.join("viewer_1")
        assert alone.speak("viewer_1")["delivered"] is True


def test_the_mute_check_comes_before_the_webhook_unless_set_otherwise(chat: Stage) -> None:
    chat.join("viewer_1")
    chat.group("forbid_send_msg", GroupId="room_1", Members_Account=["viewer_1"], MuteTime=60)
    assert chat.speak("viewer_1")["code"] == 10017
    told = chat.receiver.wait(EXCEPTION)[0]["body"]
    assert (told["ErrorCode"], told["From_Account"], told["GroupId"]) == (10017, "viewer_1", "room_1")
    assert "MsgId" not in told
    assert chat.receiver.of(BEFORE) == []
    chat.set(message_checks="webhook-first")
    assert chat.speak("viewer_1")["code"] == 10017
    assert len(chat.receiver.wait(BEFORE)) == 1


def test_bad_parameters_fire_the_exception_webhook(chat: Stage) -> None:
    assert chat.send(Random=-1)["ErrorCode"] == 10004
    assert chat.send("nowhere")["ErrorCode"] == 10010
    told = [one["body"] for one in chat.receiver.wait(EXCEPTION, 2)]
    assert {(one["GroupId"], one["ErrorCode"]) for one in told} == {("room_1", 10004), ("nowhere", 10010)}


def test_what_comes_from_rest_says_so_and_can_keep_quiet(chat: Stage) -> None:
    chat.send(Random=1, From_Account="anchor_1")
    before = chat.receiver.wait(BEFORE)[0]
    assert (before["query"]["OptPlatform"], before["query"]["ClientIP"]) == ("RESTAPI", "127.0.0.1")
    assert (before["body"]["From_Account"], before["body"]["Operator_Account"]) == ("anchor_1", "administrator")
    chat.receiver.wait(AFTER)
    quiet = ["ForbidBeforeSendMsgCallback", "ForbidAfterSendMsgCallback"]
    chat.send(Random=2, ForbidCallbackControl=quiet)
    chat.send(Random=3)
    assert [one["body"]["Random"] for one in chat.receiver.wait(BEFORE, 2)] == [1, 3]
    assert [one["body"]["Random"] for one in chat.receiver.wait(AFTER, 2)] == [1, 3]


@pytest.mark.parametrize("mode", ["off", "wrong", "stale", "upper"])
def test_the_signature_is_a_setting(chat: Stage, mode: str) -> None:
    chat.set(webhook_signature=mode)
    chat.send()
    query = chat.receiver.wait(BEFORE)[0]["query"]
    if mode == "off":
        assert "Sign" not in query
        return
    right = hashlib.sha256((TOKEN + query["RequestTime"]).encode()).hexdigest()
    expected = {
        "wrong": query["Sign"] != right,
        "stale": query["Sign"] == right,
        "upper": query["Sign"] == right.upper(),
    }
    assert expected[mode]


def test_joining_and_leaving_are_told(chat: Stage) -> None:
    assert chat.join("viewer_1", platform="Android") == {"joined": True, "code": 0, "info": "", "already": False}
    asked = chat.receiver.wait("Group.CallbackBeforeApplyJoinGroup")[0]["body"]
    assert asked["Requestor_Account"] == "viewer_1"
    joined = chat.receiver.wait("Group.CallbackAfterNewMemberJoin")[0]["body"]
    assert (joined["JoinType"], joined["NewMemberList"]) == ("Apply", [{"Member_Account": "viewer_1"}])
    online = chat.receiver.wait("Group.CallbackOnMemberStateChange")[0]
    assert (online["body"]["EventType"], online["body"]["EventCause"]) == ("Online", "Join")
    assert online["keys"] == ["SdkAppid", "CallbackCommand", "contenttype", "Sign", "RequestTime"]

    assert chat.join("viewer_1", platform="Android")["already"] is True
    chat.join("viewer_1", platform="Web")
    assert chat.sim("POST", "groups/room_1/leave", {"account": "viewer_1", "platform": "Web"})["left"] is False
    assert chat.sim("POST", "groups/room_1/leave", {"account": "viewer_1"})["left"] is True
    gone = chat.receiver.wait("Group.CallbackAfterMemberExit")[0]["body"]
    assert (gone["ExitType"], gone["ExitMemberList"]) == ("Quit", [{"Member_Account": "viewer_1"}])
    offline = chat.receiver.wait("Group.CallbackOnMemberStateChange", 2)[1]["body"]
    assert (offline["EventType"], offline["EventCause"]) == ("Offline", "Quit")
    assert len(chat.receiver.of("Group.CallbackAfterNewMemberJoin")) == 1


def test_the_door_can_be_kept_shut(chat: Stage) -> None:
    chat.receiver.answers["Group.CallbackBeforeApplyJoinGroup"] = {
        "ActionStatus": "OK",
        "ErrorInfo": "members only",
        "ErrorCode": 10150,
    }
    assert chat.join("viewer_1") == {"joined": False, "code": 10150, "info": "members only"}
    assert chat.shown()["members"] == []


def test_a_lost_connection_interrupts_and_recovers(chat: Stage) -> None:
    chat.set(heartbeat_seconds=0.0)
    chat.join("viewer_1", platform="iOS")
    chat.receiver.wait("Group.CallbackOnMemberStateChange")
    state = {"action": "Disconnect", "platform": "iOS", "reason": "TimeOut"}
    chat.sim("POST", "accounts/viewer_1/state", state)
    told = chat.receiver.wait("State.StateChange")[0]
    assert told["body"]["Info"] == {"Action": "Disconnect", "To_Account": "viewer_1", "Reason": "TimeOut"}
    assert told["query"]["OptPlatform"] == "IOS"
    chat.receiver.wait("Group.CallbackOnMemberStateChange", 2)
    assert chat.shown()["online_count"] == 0
    chat.sim("POST", "accounts/viewer_1/state", {"action": "Login", "platform": "iOS"})
    causes = [one["body"]["EventCause"] for one in chat.receiver.wait("Group.CallbackOnMemberStateChange", 3)]
    assert causes == ["Join", "HeartbeatInterrupt", "HeartbeatRecover"]
    assert chat.receiver.of("Group.CallbackAfterMemberExit") == []


def test_presence_comes_in_batches() -> None:
    with stage(Settings(presence_batch_seconds=30.0, presence_batch_size=5)) as busy:
        busy.room()
        for number in range(10):
            busy.join(f"v{number}")
        told = busy.receiver.wait("Group.CallbackOnMemberStateChange", 2)
        assert [len(one["body"]["MemberList"]) for one in told] == [5, 5]


def test_a_ban_is_told_as_a_kick(chat: Stage) -> None:
    chat.join("viewer_1")
    chat.group("ban_group_member", GroupId="room_1", Members_Account=["viewer_1"], Duration=9)
    gone = chat.receiver.wait("Group.CallbackAfterMemberExit")[0]
    assert (gone["body"]["ExitType"], gone["body"]["Operator_Account"]) == ("Kicked", "administrator")
    assert gone["query"]["OptPlatform"] == "RESTAPI"


def test_the_life_of_a_group_is_told(chat: Stage) -> None:
    created = chat.receiver.of("Group.CallbackAfterCreateGroup")[0]["body"]
    assert (created["GroupId"], created["Owner_Account"], created["MemberList"]) == ("room_1", "anchor_1", [])
    chat.group("modify_group_base_info", GroupId="room_1", Notification="new", Name="Evening songs")
    changed = chat.receiver.wait("Group.CallbackAfterGroupInfoChanged")[0]["body"]
    assert changed["Notification"] == "new"
    assert "Name" not in changed
    chat.group("modify_group_attr", GroupId="room_1", GroupAttr=[{"key": "room_status", "value": "on_live"}])
    attributes = chat.receiver.wait("Group.CallbackAfterGroupAttrChanged")[0]["body"]
    assert (attributes["OptionType"], attributes["GroupAttr"]) == (
        "modify",
        [{"key": "room_status", "value": "on_live"}],
    )
    chat.group("modify_group_base_info", GroupId="room_1", MuteAllMember="On")
    chat.group("destroy_group", GroupId="room_1")
    destroyed = chat.receiver.wait("Group.CallbackAfterGroupDestroyed")[0]["body"]
    assert (destroyed["Name"], destroyed["MemberList"]) == ("Evening songs", [])
    assert len(chat.receiver.of("Group.CallbackAfterGroupInfoChanged")) == 1


def test_a_group_can_be_refused(chat: Stage) -> None:
    chat.receiver.answers["Group.CallbackBeforeCreateGroup"] = {"ActionStatus": "OK", "ErrorInfo": "", "ErrorCode": 1}
    assert chat.group("create_group", Type="AVChatRoom", Name="n", GroupId="other")["ErrorCode"] == 10016


def test_a_failed_report_is_repeated_when_set(chat: Stage) -> None:
    chat.set(webhook_retries=2, webhook_retry_seconds=[0.0])
    chat.receiver.answers[AFTER] = 500
    chat.send()
    told = chat.receiver.wait(AFTER, 3)
    assert len({one["raw"] for one in told}) == 1


def test_commands_can_be_switched_off(chat: Stage) -> None:
    chat.set(webhooks_off=[BEFORE])
    chat.send()
    chat.receiver.wait(AFTER)
    assert chat.receiver.of(BEFORE) == []


def test_odd_shapes_are_settings(chat: Stage) -> None:
    chat.set(
        event_time_as_string=True, include_message_id=False, include_message_priority=False, include_request_id=True
    )
    chat.send()
    before = chat.receiver.wait(BEFORE)[0]
    assert isinstance(before["body"]["EventTime"], str)
    assert not {"MsgId", "MsgPriority"} & set(before["body"])
    assert len(before["query"]["RequestID"]) == 36
