"""A simulator and a receiver of its webhooks, both served by uvicorn in threads on free ports."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
import orjson
import uvicorn
from TLSSigAPIv2 import TLSSigAPIv2

from rooms.chat.simulator.app import create_app
from rooms.chat.simulator.server import Server
from rooms.chat.simulator.settings import Settings, SimulatorConfig

APPID = 1400000001
KEY = "ae44711a552186d1e03f5fcd4cc792db75b1159d27b75dd59145d13dc5b68aa8"
ADMIN = "administrator"
TOKEN = "demo-callback-token"
OK = {"ActionStatus": "OK", "ErrorInfo": "", "ErrorCode": 0}
PATIENCE_SECONDS = 10.0


class Receiver:
    """Takes webhooks and answers as told: a dict, an HTTP status, raw bytes, or a function of the body."""

    def __init__(self) -> None:
        self.seen: list[dict] = []
        self.answers: dict[str, object] = {}
        self._counts: Counter[str] = Counter()
        self._news = threading.Condition()

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            return
        raw = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            raw += message.get("body", b"")
            if not message.get("more_body"):
                break
        query = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
        body = orjson.loads(raw)
        command = query["CallbackCommand"]
        with self._news:
            keys = [part.split("=")[0] for part in scope["query_string"].decode().split("&")]
            self.seen.append({"command": command, "query": query, "keys": keys, "body": body, "raw": raw})
            self._counts[command] += 1
            self._news.notify_all()
        answer = self.answers.get(command, OK)
        if callable(answer):
            answer = answer(body)
        status = answer if isinstance(answer, int) else 200
        content = answer if isinstance(answer, bytes) else orjson.dumps(OK if isinstance(answer, int) else answer)
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-length", b"%d" % len(content))]}
        )
        await send({"type": "http.response.body", "body": content})

    def clear(self) -> None:
        with self._news:
            self.seen.clear()
            self._counts.clear()
            self.answers.clear()

    def of(self, command: str) -> list[dict]:
        with self._news:
            return [one for one in self.seen if one["command"] == command]

    def wait(self, command: str, count: int = 1) -> list[dict]:
        """The webhooks of this command once there are so many of them."""
        with self._news:
            is_enough = self._news.wait_for(lambda: self._counts[command] >= count, PATIENCE_SECONDS)
        assert is_enough, f"{command}: waited for {count}, saw {dict(self._counts)}"
        return self.of(command)


class Stage:
    """What a test holds: calls as the backend, acts as viewers, reads what the backend was told."""

    def __init__(self, url: str, receiver: Receiver) -> None:
        self.url = url
        self.receiver = receiver
        self.http = httpx.Client(base_url=url, timeout=15.0, trust_env=False)
        self.usersig = usersig(ADMIN)

    def rest(self, path: str, body: object = None, **query: object) -> dict:
        """One REST call as the administrator; keys given as None are left out of the URL."""
        content = body if isinstance(body, bytes) else orjson.dumps({} if body is None else body)
        response = self.http.post(f"/v4/{path}", params=self.query(**query), content=content)
        assert response.status_code == 200, response.text
        return response.json()

    def query(self, **changes: object) -> dict[str, str]:
        query = {
            "sdkappid": APPID,
            "identifier": ADMIN,
            "usersig": self.usersig,
            "random": 7,
            "contenttype": "json",
            **changes,
        }
        return {key: str(value) for key, value in query.items() if value is not None}

    def code(self, path: str, body: object = None, **query: object) -> int:
        return self.rest(path, body, **query)["ErrorCode"]

    def group(self, command: str, **body: object) -> dict:
        return self.rest(f"group_open_http_svc/{command}", body)

    def room(self, group_id: str = "room_1", owner: str = "anchor_1", **more: object) -> str:
        """An AVChatRoom with its owner imported."""
        assert self.code("im_open_login_svc/account_import", {"UserID": owner, "Nick": "Anchor"}) == 0
        reply = self.group(
            "create_group", Type="AVChatRoom", Name="Evening songs", GroupId=group_id, Owner_Account=owner, **more
        )
        assert reply["ErrorCode"] == 0, reply
        return group_id

    def send(self, group_id: str = "room_1", text: str = "hello", **more: object) -> dict:
        body = {"GroupId": group_id, "Random": 1, "MsgBody": text_body(text), **more}
        return self.rest("group_open_http_svc/send_group_msg", body)

    def sim(self, method: str, path: str, body: object = None, status: int = 200) -> dict:
        response = self.http.request(method, f"/sim/{path}", content=None if body is None else orjson.dumps(body))
        assert response.status_code == status, response.text
        return response.json()

    def join(self, account: str, group_id: str = "room_1", **more: object) -> dict:
        return self.sim("POST", f"groups/{group_id}/join", {"account": account, **more})

    def speak(self, account: str, text: str = "hi", group_id: str = "room_1", **more: object) -> dict:
        return self.sim("POST", f"groups/{group_id}/messages", {"account": account, "text": text, **more})

    def shown(self, group_id: str = "room_1") -> dict:
        return self.sim("GET", f"groups/{group_id}")

    def set(self, **values: object) -> None:
        self.sim("POST", "settings", values)

    def reset(self) -> None:
        """An empty world; what was under way has arrived and is forgotten."""
        self.sim("POST", "reset")
        for _ in range(1000):
            if not self.sim("GET", "health")["webhooks"]["unfinished"]:
                break
        self.receiver.clear()


def text_body(text: str) -> list[dict]:
    return [{"MsgType": "TIMTextElem", "MsgContent": {"Text": text}}]


def usersig(identifier: str, *, appid: int = APPID, key: str = KEY, expire: int = 86400) -> str:
    """Made by Tencent's own library, so that neither side of ours vouches for the other."""
    return TLSSigAPIv2(appid, key).gen_sig(identifier, expire)


@contextmanager
def served(build: Callable[[socket.socket], uvicorn.Server]) -> Iterator[str]:
    """A server in a thread; its address while it lives."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    server = build(listener)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        if isinstance(server, Server):
            server.end_soon()
        server.should_exit = True
        thread.join(PATIENCE_SECONDS)
        listener.close()
        assert not thread.is_alive()


@contextmanager
def stage(
    settings: Settings | None = None, *, webhook_url: str | None = None, state_file: Path | None = None
) -> Iterator[Stage]:
    """A simulator that sends its webhooks to a receiver."""
    receiver = Receiver()

    def receiving(_: socket.socket) -> uvicorn.Server:
        return uvicorn.Server(uvicorn.Config(receiver, log_level="warning", access_log=False, lifespan="off"))

    with served(receiving) as receiver_url:
        config = SimulatorConfig(
            sdkappid=APPID,
            secret_key=KEY,
            admin_accounts=(ADMIN,),
            webhook_url=f"{receiver_url}/webhooks/chat/" if webhook_url is None else webhook_url,
            webhook_token=TOKEN,
            state_file=state_file,
            settings=settings or Settings(presence_batch_seconds=0.0),
        )
        app = create_app(config)
        with served(lambda _: Server(app, host="127.0.0.1", port=0)) as url:
            found = Stage(url, receiver)
            try:
                yield found
            finally:
                found.http.close()
