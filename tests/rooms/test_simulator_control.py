"""The control calls: what viewers receive, what is recorded, what is made to fail, and what is refused."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import httpx
import orjson
import pytest
from django.conf import settings

from tests.rooms.simulator_stage import PATIENCE_SECONDS, Stage, stage, text_body, usersig

BEFORE = "Group.CallbackBeforeSendMsg"
AFTER = "Group.CallbackAfterSendMsg"
INFO = "group_open_http_svc/get_group_info"


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


class Client:
    """A viewer's open feed, read in a thread of its own."""

    def __init__(self, chat: Stage, account: str, group_id: str = "room_1") -> None:
        self.events: list[dict] = []
        self.is_over = False
        self._news = threading.Condition()
        self._is_open = threading.Event()
        self._url = f"{chat.url}/sim/groups/{group_id}/feed?account={account}"
        threading.Thread(target=self._read, daemon=True).start()
        assert self._is_open.wait(PATIENCE_SECONDS)

    def _read(self) -> None:
        with httpx.stream("GET", self._url, timeout=PATIENCE_SECONDS, trust_env=False) as answer:
            for line in answer.iter_lines():
                with self._news:
                    if line.startswith("data: "):
                        self.events.append(orjson.loads(line[6:]))
                    elif line == ": open":
                        self._is_open.set()
                    self._news.notify_all()
        with self._news:
            self.is_over = True
            self._news.notify_all()

    def wait(self, kind: str, count: int = 1) -> list[dict]:
        with self._news:
            assert self._news.wait_for(lambda: len(self._of(kind)) >= count, PATIENCE_SECONDS), self.events
            return self._of(kind)

    def wait_until_over(self) -> None:
        with self._news:
            assert self._news.wait_for(lambda: self.is_over, PATIENCE_SECONDS)

    def _of(self, kind: str) -> list[dict]:
        return [event for event in self.events if event["type"] == kind]


def test_a_viewer_s_client_receives_what_happens_inside(chat: Stage) -> None:
    chat.join("viewer_1")
    client, outsider = Client(chat, "viewer_1"), Client(chat, "outsider")
    chat.join("viewer_2")
    chat.speak("viewer_2", "hello")
    chat.send(Random=5, MsgPriority="High", CloudCustomData="extra")
    chat.group("modify_group_base_info", GroupId="room_1", Notification="new", MuteAllMember="On")
    chat.group("modify_group_attr", GroupId="room_1", GroupAttr=[{"key": "room_status", "value": "on_live"}])
    chat.group("send_group_system_notification", GroupId="room_1", Content="maintenance")
    assert client.wait("member_enter")[0]["account"] == "viewer_2"
    said = client.wait("message", 2)
    assert (said[0]["from"], said[0]["body"], said[0]["seq"]) == ("viewer_2", text_body("hello"), 1)
    assert (said[1]["priority"], said[1]["cloud_custom_data"]) == ("High", "extra")
    assert client.wait("group_info")[0]["changed"] == {"Notification": "new", "MuteAllMember": "On"}
    assert client.wait("attributes")[0]["attributes"] == {"room_status": "on_live"}
    assert client.wait("system")[0]["content"] == "maintenance"
    assert outsider.events == []
    chat.group("destroy_group", GroupId="room_1")
    client.wait("destroyed")
    client.wait_until_over()
    outsider.wait_until_over()


def test_a_banned_viewer_hears_of_it_and_then_nothing(chat: Stage) -> None:
    chat.join("viewer_1")
    chat.join("viewer_2")
    banned, other = Client(chat, "viewer_1"), Client(chat, "viewer_2")
    chat.group("ban_group_member", GroupId="room_1", Members_Account=["viewer_1"], Duration=9, Description="rude")
    chat.speak("viewer_2", "bye")
    assert other.wait("message")
    assert banned.wait("banned")[0]["description"] == "rude"
    assert [event["type"] for event in banned.events] == ["banned"]
    chat.sim("POST", "reset")
    banned.wait_until_over()


def test_a_group_id_of_chat_s_own_making_works_in_a_path(chat: Stage) -> None:
    group_id = chat.group("create_group", Type="AVChatRoom", Name="n")["GroupId"]
    assert group_id.startswith("@TGS#a")
    path = group_id.replace("@", "%40").replace("#", "%23")
    assert chat.join("viewer_1", path)["joined"] is True
    assert chat.shown(path)["online_count"] == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "groups/nowhere", None, 404),
        ("POST", "groups/nowhere/join", {"account": "a"}, 404),
        ("POST", "groups/room_1/join", {}, 400),
        ("POST", "groups/room_1/join", {"account": "x" * 33}, 400),
        ("POST", "groups/room_1/join", {"account": "a", "platform": "Toaster"}, 400),
        ("POST", "groups/room_1/messages", {"account": "a"}, 400),
        ("POST", "groups/room_1/messages", {"account": "a", "text": 5}, 400),
        ("POST", "groups/room_1/messages", {"account": "a", "text": "t", "priority": 5}, 400),
        ("POST", "groups/room_1/messages", {"account": "a", "text": "t", "random": -1}, 400),
        ("POST", "groups/room_1/dance", {}, 404),
        ("GET", "groups/room_1/feed", None, 400),
        ("GET", "groups/room_1/view?account=%00", None, 400),
        ("POST", "accounts/a/state", {"action": "Sleep"}, 400),
        ("POST", "accounts/a/state", {"action": "Login", "reason": "LinkClose"}, 400),
        ("GET", "calls?since=-1", None, 400),
        ("POST", "faults", {}, 400),
        ("POST", "faults", {"command": "send_group_msg", "kind": "explode"}, 400),
        ("POST", "faults", {"command": "send_group_msg", "kind": "http", "value": 99}, 400),
        ("POST", "faults", {"command": "send_group_msg", "kind": "drop", "times": 0}, 400),
        ("POST", "settings", {"no_such_setting": 1}, 400),
        ("POST", "settings", {"rest_rate_limit": "many"}, 400),
        ("POST", "settings", {"has_bans": 1}, 400),
        ("POST", "settings", {"message_checks": "sometimes"}, 400),
        ("POST", "clock", {"speed": -1}, 400),
        ("POST", "crowd", {"group_id": "nowhere"}, 404),
        ("POST", "crowd", {"viewers": 3}, 400),
        ("POST", "crowd", {"group_id": "room_1", "mix": {"poetry": 1}}, 400),
        ("POST", "crowd", {"group_id": "room_1", "viewers": -1}, 400),
        ("POST", "nothing", {}, 404),
        ("PUT", "reset", {}, 404),
        ("GET", "assets/settings.py", None, 404),
        ("GET", "assets/..%2Fsettings.py", None, 404),
    ],
)
def test_a_wrong_control_call_is_refused_with_a_sentence(
    chat: Stage, method: str, path: str, body: object, status: int
) -> None:
    assert chat.sim(method, path, body, status=status)["error"]


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"{" * 5000, b"[" * 100_000])
def test_a_control_body_that_is_no_object_is_refused(chat: Stage, content: bytes) -> None:
    assert chat.http.post("/sim/groups/room_1/join", content=content).status_code == 400


def test_what_a_viewer_s_client_would_refuse(chat: Stage) -> None:
    assert chat.speak("stranger")["code"] == 10007
    chat.join("viewer_1")
    assert chat.speak("viewer_1", priority="Urgent")["code"] == 10004
    assert chat.speak("viewer_1", "x" * 12_300)["code"] == 80002
    custom = {"MsgType": "TIMCustomElem", "MsgContent": {"Data": "{}"}}
    body = {"account": "viewer_1", "elements": [custom, custom]}
    assert chat.sim("POST", "groups/room_1/messages", body)["code"] == 10004


def test_every_rest_call_is_kept_for_reading(chat: Stage) -> None:
    chat.rest(INFO, {"GroupIdList": ["room_1"]})
    chat.rest(INFO, b"not json")
    answer = chat.sim("GET", "calls")
    last, before = answer["calls"][-1], answer["calls"][-2]
    assert (before["service"], before["command"], before["code"]) == ("group_open_http_svc", "get_group_info", 0)
    assert before["body"] == {"GroupIdList": ["room_1"]}
    assert (last["code"], last["body"]) == (60003, "not json")
    assert last["at"] >= before["at"]
    since = chat.sim("GET", f"calls?since={before['number']}&command=get_group_info")["calls"]
    assert [one["number"] for one in since] == [last["number"]]
    assert "usersig" not in orjson.dumps(answer).decode()


def test_ordered_faults_happen_as_often_as_ordered(chat: Stage) -> None:
    def order(kind: str, value: float = 0, times: int = 1, command: str = "get_group_info") -> None:
        chat.sim("POST", "faults", {"command": command, "kind": kind, "value": value, "times": times})

    def read() -> httpx.Response:
        return chat.http.post(f"/v4/{INFO}", params=chat.query(), content=b'{"GroupIdList":["room_1"]}')

    order("code", 10002, times=2)
    assert [read().json()["ErrorCode"] for _ in range(3)] == [10002, 10002, 0]
    order("http", 502, command=INFO)
    assert [read().status_code for _ in range(2)] == [502, 200]
    order("delay", 0.2)
    assert read().elapsed.total_seconds() >= 0.2
    assert chat.sim("GET", "faults")["faults"] == []
    order("drop")
    with pytest.raises(httpx.TransportError):
        read()
    assert read().json()["ErrorCode"] == 0
    order("drop", times=9)
    assert chat.sim("GET", "faults")["faults"][0]["times"] == 9
    chat.sim("DELETE", "faults")
    assert read().status_code == 200


def test_a_call_whose_answer_is_lost_was_carried_out(chat: Stage) -> None:
    chat.sim("POST", "faults", {"command": "send_group_msg", "kind": "drop", "value": 1, "times": 1})
    with pytest.raises(httpx.TransportError):
        chat.send(Random=77)
    assert chat.send(Random=77)["MsgSeq"] == 1
    assert len(chat.shown()["messages"]) == 1


def test_webhooks_can_be_made_to_fail_too(chat: Stage) -> None:
    for kind, value in (("code", 1), ("http", 500), ("drop", 0)):
        chat.sim("POST", "faults", {"command": BEFORE, "kind": kind, "value": value, "times": 1})
    codes = [chat.send(Random=number)["ErrorCode"] for number in range(4)]
    assert codes == [10016, 0, 0, 0]
    assert len(chat.receiver.wait(BEFORE, 3)) == 3
    chat.receiver.wait(AFTER, 3)
    chat.sim("POST", "faults", {"command": AFTER, "kind": "drop", "times": 1})
    chat.send(Random=10)
    chat.send(Random=11)
    assert [one["body"]["Random"] for one in chat.receiver.wait(AFTER, 4)][3:] == [11]


def test_a_crowd_fills_the_room_and_talks(chat: Stage) -> None:
    chat.sim("POST", "clock", {"speed": 10})
    order = {"group_id": "room_1", "viewers": 40, "messages_per_second": 8, "mix": {"like": 30, "gift": 20}}
    chat.sim("POST", "crowd", order)
    bodies = [one["body"] for one in chat.receiver.wait(AFTER, 60)]
    assert len(chat.receiver.wait("Group.CallbackAfterNewMemberJoin", 30)) >= 30
    crowd = chat.sim("GET", "crowd")["crowds"][0]
    assert (crowd["viewers"], crowd["is_running"]) == (40, True)
    kinds = {element["MsgType"] for body in bodies for element in body["MsgBody"]}
    assert kinds == {"TIMTextElem", "TIMCustomElem"}
    commands = set()
    for body in bodies:
        content = body["MsgBody"][0]["MsgContent"]
        if "Data" in content:
            envelope = orjson.loads(content["Data"])
            assert (envelope["version"], envelope["businessID"]) == (1.0, "greenroom")
            commands.add(envelope["data"]["cmd"])
    assert commands == {"like", "send_gift_message"}
    assert len({body["From_Account"] for body in bodies}) > 10
    assert chat.sim("DELETE", "crowd?group_id=elsewhere")["stopped"] == 0
    assert chat.sim("DELETE", "crowd")["stopped"] == 1
    assert chat.sim("GET", "crowd")["crowds"] == []


def test_a_crowd_ends_after_its_seconds(chat: Stage) -> None:
    chat.sim("POST", "clock", {"speed": 100})
    chat.sim("POST", "crowd", {"group_id": "room_1", "viewers": 3, "messages_per_second": 1, "seconds": 5})
    for _ in range(2000):
        if not chat.sim("GET", "crowd")["crowds"][0]["is_running"]:
            return
    pytest.fail("the crowd went on")


def test_the_viewer_page_is_served_under_a_strict_policy(chat: Stage) -> None:
    page = chat.http.get("/sim/groups/room_1/view?account=viewer_1")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert 'data-account="viewer_1"' in page.text
    assert "<style" not in page.text
    assert " style=" not in page.text
    for name in ("viewer.js", "viewer.css", "viewer.svg"):
        assert chat.http.get(f"/sim/assets/{name}").status_code == 200
    chat.group("modify_group_base_info", GroupId="room_1", Name="<script>x</script>")
    assert "<script>x" not in chat.http.get("/sim/groups/room_1/view").text
    assert "<script>x" not in chat.http.get("/sim/").text
    assert chat.http.get("/").status_code == 200
    assert chat.http.get("/elsewhere").status_code == 404


def test_settings_are_shown_and_reset(chat: Stage) -> None:
    chat.set(rest_rate_limit=5, webhook_retry_seconds=[1, 2])
    assert chat.sim("GET", "settings")["rest_rate_limit"] == 5
    chat.sim("POST", "reset")
    assert chat.sim("GET", "settings")["rest_rate_limit"] == 200
    assert chat.sim("GET", "health")["groups"] == 0


def test_the_command_serves_and_stops_at_once_with_a_feed_open() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ["--port", str(port), "--webhook-url", "", "--set", "has_bans=false"]
    process = subprocess.Popen(
        [sys.executable, "manage.py", "simulate", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().decode().split()[-1].removesuffix("/sim/")
        assert url == f"http://127.0.0.1:{port}"
        transport = httpx.HTTPTransport(retries=6)
        with httpx.Client(base_url=url, timeout=PATIENCE_SECONDS, transport=transport, trust_env=False) as client:
            assert client.get("/sim/settings").json()["has_bans"] is False
            body = {"Type": "AVChatRoom", "Name": "n", "GroupId": "room_1"}
            query = {
                "sdkappid": settings.CHAT.sdkappid,
                "identifier": settings.CHAT.admin_account,
                "usersig": usersig(
                    settings.CHAT.admin_account, appid=settings.CHAT.sdkappid, key=settings.CHAT.secret_key
                ),
            }
            made = client.post("/v4/group_open_http_svc/create_group", params=query, json=body).json()
            assert made["ErrorCode"] == 0
            with client.stream("GET", "/sim/groups/room_1/feed?account=viewer_1") as feed:
                lines = feed.iter_lines()
                assert next(lines) == ": open"
                process.send_signal(signal.SIGTERM)
                assert list(lines) == [""]
        assert process.wait(PATIENCE_SECONDS) in (0, -signal.SIGTERM)
        assert b"Traceback" not in process.stdout.read()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_the_command_lists_every_named_setting() -> None:
    listed = subprocess.run([sys.executable, "manage.py", "simulate", "--help"], capture_output=True, check=True)
    for name in ("group_messages_per_second", "overload_hold_seconds", "webhook_failure_code"):
        assert name in listed.stdout.decode()
