"""The Chat client: every call against the simulator over HTTP, and every odd answer a network can give."""

import logging
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs

import httpx
import pytest
from django.conf import settings

from rooms.chat.client import ChatClient
from rooms.chat.elements import text_element
from rooms.chat.errors import ChatError, ChatNotAuthorised, ChatRefused, ChatUnavailable
from rooms.chat.usersig import verify
from tests.services import Simulator


@pytest.fixture
def chat(simulator: Simulator) -> Iterator[ChatClient]:
    """A client with one group in the simulator."""
    client = ChatClient(settings.CHAT)
    client.account_import(account="anchor1", nick="Anchor")
    client.create_group(group_id="g1", name="Evening", owner="anchor1", fields={"room_status": "to_be_started"})
    yield client
    client.close()


def test_a_groups_profile_is_written_and_read_back(chat: ChatClient) -> None:
    chat.modify_group_base_info(
        group_id="g1", name="晚会", introduction="Songs", notification="八点", face_url="https://example.com/c.png",
        is_mute_all=True, fields={"room_status": "on_live"},
    )  # fmt: skip

    info = chat.get_group_info(group_id="g1")

    assert (info.group_id, info.name, info.owner) == ("g1", "晚会", "anchor1")
    assert (info.introduction, info.notification, info.face_url) == ("Songs", "八点", "https://example.com/c.png")
    assert info.is_mute_all
    assert info.fields == {"room_status": "on_live"}
    chat.modify_group_base_info(group_id="g1", is_mute_all=False)
    assert chat.get_group_info(group_id="g1") == type(info)(
        **{**{name: getattr(info, name) for name in info.__dataclass_fields__}, "is_mute_all": False}
    )


def test_attributes_are_set_and_the_others_left(chat: ChatClient) -> None:
    chat.modify_group_attr(group_id="g1", attributes={"room_status": "on_live", "room_version": "2"})
    chat.modify_group_attr(group_id="g1", attributes={"room_status": "paused"})

    assert chat.get_group_attr(group_id="g1") == {"room_status": "paused", "room_version": "2"}


def test_a_message_arrives_and_its_repeat_does_not(chat: ChatClient, simulator: Simulator) -> None:
    first = chat.send_group_msg(group_id="g1", elements=[text_element("Hi")], random=7, priority="High")
    chat.send_group_msg(group_id="g1", elements=[text_element("Hi")], random=7, priority="High")

    assert first.seq > 0
    assert first.drop_reason == ""
    assert len(simulator.messages("g1")) == 1


def test_who_is_inside_is_counted_and_listed(chat: ChatClient, simulator: Simulator) -> None:
    simulator.join("g1", "amy")
    simulator.join("g1", "bob")

    members, following = chat.get_members(group_id="g1")

    assert {"amy", "bob"} <= {member.account for member in members}
    assert following == 0
    assert chat.get_online_member_num(group_id="g1") >= 0


def test_the_muted_may_not_speak_until_they_are_let(chat: ChatClient, simulator: Simulator) -> None:
    simulator.join("g1", "amy")

    chat.forbid_send_msg(group_id="g1", accounts=["amy"], seconds=60)
    assert simulator.speak("g1", "amy", "Hi")["code"] == 10017
    chat.forbid_send_msg(group_id="g1", accounts=["amy"], seconds=0)

    assert simulator.speak("g1", "amy", "Hi")["delivered"]


def test_a_destroyed_group_is_gone(chat: ChatClient) -> None:
    chat.destroy_group(group_id="g1")

    with pytest.raises(ChatRefused):
        chat.send_group_msg(group_id="g1", elements=[text_element("Hi")], random=1)
    with pytest.raises(ChatRefused):
        chat.get_group_info(group_id="g1")


def test_an_answer_that_takes_too_long_is_unavailable(
    chat: ChatClient, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ChatClient, "timeout", httpx.Timeout(0.3))
    impatient = ChatClient(settings.CHAT)
    simulator.fail("get_online_member_num", "delay", 1.0)

    with pytest.raises(ChatUnavailable, match="in time"):
        impatient.get_online_member_num(group_id="g1")
    impatient.close()


def _client(answer: Callable[[httpx.Request], httpx.Response]) -> ChatClient:
    return ChatClient(settings.CHAT, transport=httpx.MockTransport(answer))


def _fail(error: Exception) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error

    return answer


def _says(**answer: object) -> Callable[[httpx.Request], httpx.Response]:
    return lambda request: httpx.Response(200, json=answer)


ODD: dict[str, tuple[Callable[[httpx.Request], httpx.Response], type[ChatError]]] = {
    "502": (lambda request: httpx.Response(502, html="<h1>Bad gateway</h1>"), ChatUnavailable),
    "404": (lambda request: httpx.Response(404), ChatUnavailable),
    "redirect": (lambda request: httpx.Response(302, headers={"Location": "https://example.com"}), ChatUnavailable),
    "HTML": (lambda request: httpx.Response(200, html="<h1>Hello</h1>"), ChatUnavailable),
    "empty": (lambda request: httpx.Response(200), ChatUnavailable),
    "array": (lambda request: httpx.Response(200, json=[]), ChatUnavailable),
    "no code": (_says(ActionStatus="OK"), ChatUnavailable),
    "code as text": (_says(ErrorCode="0"), ChatUnavailable),
    "refused": (_says(ErrorCode=10004, ErrorInfo="bad"), ChatRefused),
    "OK with a code": (_says(ActionStatus="OK", ErrorCode=10010), ChatRefused),
    "FAIL without a code": (_says(ActionStatus="FAIL", ErrorCode=0), ChatRefused),
    "no right": (_says(ErrorCode=70003), ChatNotAuthorised),
    "refused connection": (_fail(httpx.ConnectError("https://x/?usersig=secret")), ChatUnavailable),
    "time-out": (_fail(httpx.ReadTimeout("https://x/?usersig=secret")), ChatUnavailable),
    "cut short": (_fail(httpx.RemoteProtocolError("https://x/?usersig=secret")), ChatUnavailable),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_whatever_comes_back_is_one_of_our_errors_and_tells_no_secret(name: str) -> None:
    answer, kind = ODD[name]

    with pytest.raises(ChatError) as failure:
        _client(answer).get_online_member_num(group_id="g1")

    assert type(failure.value) is kind
    assert "usersig" not in str(failure.value)


def test_every_call_proves_who_we_are_afresh(caplog: pytest.LogCaptureFixture) -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={"ErrorCode": 0, "OnlineMemberNum": 3})

    client = _client(answer)
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="httpx")
    assert [client.get_online_member_num(group_id="g1") for _ in range(3)] == [3, 3, 3]

    queries = [{key: value[0] for key, value in parse_qs(request.url.query.decode()).items()} for request in requests]
    for query in queries:
        assert (query["sdkappid"], query["contenttype"]) == (str(settings.CHAT.sdkappid), "json")
        verify(
            query["usersig"], sdkappid=settings.CHAT.sdkappid, key=settings.CHAT.secret_key,
            account=query["identifier"], now=0,
        )  # fmt: skip
    assert len({query["random"] for query in queries}) == 3
    assert requests[0].url.path == "/v4/group_open_http_svc/get_online_member_num"
    assert "get_online_member_num" in caplog.text
    assert queries[0]["usersig"] not in caplog.text
