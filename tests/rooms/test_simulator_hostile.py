"""Whatever is sent, the answer is a published code: never a traceback, never a silent hang."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from rooms.chat.simulator.commands import table
from tests.rooms.simulator_stage import Stage, stage, text_body

NAMES = (
    "GroupId", "Type", "Name", "Owner_Account", "GroupIdList", "MemberList", "AppDefinedData", "GroupAttr", "Random",
    "MsgBody", "MsgPriority", "From_Account", "Members_Account", "MuteTime", "Duration", "Offset", "Limit", "Next",
    "Timestamp", "UserID", "AccountList", "Accounts", "CheckItem", "To_Account", "TagList", "ProfileItem", "Content",
    "GroupCounter", "GroupCounterKeys", "Mode", "ResponseFilter", "CloudCustomData", "GroupAtInfo", "SendMsgControl",
    "ForbidCallbackControl", "ToMembers_Account", "Description", "MuteAllMember", "Notification", "Introduction",
)  # fmt: skip
VALUES: tuple[object, ...] = (
    None, True, False, 0, 1, -1, 2**32, 2**63 - 1, 1.5, "", "x", "room_1", "On", "Set", "AVChatRoom", "夜" * 200,
    "\x00", "\u202e", "x" * 5000, [], [None], [1], [""], ["room_1"], ["x"] * 2000, [[]], [{}], {}, {"a": {"b": []}},
    [{"key": 1}], [{"key": "k", "value": "v"}], [{"Key": "room_status", "Value": None}], [{"Key": "k", "Value": 1}],
    [{"UserID": "x", "Nick": 1}], [{"Member_Account": []}], [{"Tag": 1}], text_body("hi"),
    [{"MsgType": 1, "MsgContent": 1}], {"GroupBaseInfoFilter": 1}, {"GroupBaseInfoFilter": [{}]},
)  # fmt: skip


@pytest.fixture(scope="module")
def chat() -> Iterator[Stage]:
    with stage(webhook_url="") as found:
        found.set(rest_rate_limit=1_000_000)
        found.room()
        found.join("viewer_1")
        yield found


@pytest.mark.parametrize("path", sorted(table()))
def test_no_body_breaks_a_command(chat: Stage, path: str) -> None:
    chance = random.Random(path)
    for _ in range(40):
        body = {name: chance.choice(VALUES) for name in chance.sample(NAMES, chance.randint(0, 30))}
        if "destroy" in path:
            body.pop("GroupId", None)
        elif chance.random() < 0.6:
            body["GroupId"] = "room_1"
        reply = chat.rest(path, body)
        assert isinstance(reply["ErrorCode"], int)
        assert reply["ActionStatus"] == ("OK" if reply["ErrorCode"] == 0 else "FAIL")
    for raw in (b"", b"null", b"1", b'"x"', b"[]", b"\x00", b"\xff\xfe", b"{", b"{}" * 2, b"[" * 100_000):
        assert chat.rest(path, raw)["ErrorCode"] != 0


@pytest.mark.parametrize("depth", [100, 230, 250, 254, 300, 1000, 2000])
def test_a_deep_message_is_sent_or_refused(chat: Stage, depth: int) -> None:
    deep = b"[" * depth + b"]" * depth
    body = b'{"GroupId":"room_1","Random":%d,"MsgBody":[{"MsgType":"TIMFaceElem","MsgContent":{"Data":%s}}]}'
    code = chat.rest("group_open_http_svc/send_group_msg", body % (depth, deep))["ErrorCode"]
    assert code == (0 if depth < 240 else 60003)
    speech = b'{"account":"viewer_1","elements":[{"MsgType":"TIMFaceElem","MsgContent":{"Data":%s}}]}' % deep
    assert chat.http.post("/sim/groups/room_1/messages", content=speech).status_code == (200 if depth < 240 else 400)
    assert chat.shown()["group_id"] == "room_1"
    assert chat.sim("GET", "calls?limit=1")["calls"][0]["code"] == code


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused(chat: Stage, method: str) -> None:
    reply = chat.http.request(method, "/v4/group_open_http_svc/get_group_info", params=chat.query())
    assert reply.json()["ErrorCode"] == 60002


@pytest.mark.parametrize(
    "query",
    ["", "&&&", "=", "sdkappid=" + "9" * 5000, "sdkappid=%FF&identifier=%00", "a=1&" * 200, "sdkappid=1_400_000_001"],
)
def test_no_query_breaks_the_gateway(chat: Stage, query: str) -> None:
    reply = chat.http.post(f"/v4/group_open_http_svc/create_group?{query}", content=b"{}")
    assert reply.status_code == 200
    assert reply.json()["ErrorCode"] in (60002, 60006, 60012)


def test_a_flood_of_large_bodies_leaves_no_trace_in_memory(chat: Stage) -> None:
    def resident() -> int:
        lines = Path(f"/proc/{os.getpid()}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) * 1024

    large = orjson.dumps({"GroupId": "room_1", "Content": "x" * 1_000_000})
    for path in ("group_open_http_svc/send_group_msg", "nothing/at_all"):
        chat.rest(path, large)
    before = resident()
    for _ in range(100):
        assert chat.rest("group_open_http_svc/send_group_msg", large)["ErrorCode"] == 80002
    fitting = orjson.dumps({"x": "y" * 250_000})
    for _ in range(200):
        assert chat.rest("group_open_http_svc/get_group_info", fitting)["ErrorCode"] == 10004
    assert resident() - before < 64 * 1024 * 1024
