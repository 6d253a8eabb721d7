"""The webhooks the simulator fires: query, signature, bodies, decisions and the two-second rule."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

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
