"""Signed webhooks to load the door with, and the load itself."""

import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from rooms.chat import protocol
from rooms.inbox import Entry

SDKAPPID = 1400000001
TOKEN = "bench-callback-token"


def message_body(serial: int, *, group_id: str, command: str = protocol.AFTER_SEND) -> dict[str, Any]:
    """One text message's callback, with the fields Chat sends."""
    now = int(time.time())
    body: dict[str, Any] = {
        "CallbackCommand": command,
        "CloudCustomData": "",
        "EventTime": now * 1000 + serial % 1000,
        "From_Account": f"viewer_{serial % 700}",
        "GroupId": group_id,
        "MsgBody": [{"MsgType": "TIMTextElem", "MsgContent": {"Text": f"line {serial}: what a show 太好听了"}}],
        "MsgId": f"144115244425849730-{now}-{serial}",
        "MsgPriority": "Normal",
        "OnlineOnlyFlag": 0,
        "Operator_Account": f"viewer_{serial % 700}",
        "Random": serial,
        "Type": "AVChatRoom",
    }
    if command == protocol.AFTER_SEND:
        body |= {"MsgSeq": serial, "MsgTime": now}
    return body


def entry(serial: int, *, group_id: str, command: str = protocol.AFTER_SEND) -> Entry:
    body = message_body(serial, group_id=group_id, command=command)
    raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return Entry(command, "iOS", str(int(time.time())), 0, time.time(), raw)


def write_script(path: Path, *, count: int = 2000) -> None:
    """A script for wrk that posts freshly signed before-send webhooks, each body another."""
    request_time = str(int(time.time()) + 20)  # the middle of what the run will see as fresh
    query = urlencode(
        {
            "SdkAppid": SDKAPPID,
            "CallbackCommand": protocol.BEFORE_SEND,
            "contenttype": "json",
            "ClientIP": "203.0.113.61",
            "OptPlatform": "iOS",
            "Sign": protocol.signature(TOKEN, request_time),
            "RequestTime": request_time,
        }
    )
    bodies = [
        json.dumps(
            message_body(serial, group_id=f"room_{serial % 50}", command=protocol.BEFORE_SEND),
            ensure_ascii=False,
            separators=(",", ":"),
        )
        for serial in range(count)
    ]
    lines = ["local bodies = {", *(f"  [==[{body}]==]," for body in bodies), "}"]
    lines += [
        f'local target = "/webhooks/chat/?{query}"',
        "local requests, turn = {}, 0",
        "init = function(args)",
        '  local headers = { ["Host"] = "localhost", ["Content-Type"] = "application/json" }',
        '  for i, body in ipairs(bodies) do requests[i] = wrk.format("POST", target, headers, body) end',
        "end",
        "request = function() turn = turn % #requests + 1; return requests[turn] end",
        "local refused = 0",
        "response = function(status) if status ~= 200 then refused = refused + 1 end end",
    ]
    path.write_text("\n".join(lines))


def requests_per_second(port: int, script: Path, *, seconds: int, connections: int = 64) -> float:
    """Closed-loop throughput; raises when the server refused or dropped anything."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise SystemExit("make bench needs wrk (Debian's package wrk).")
    command = [wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{port}"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        raise SystemExit(f"the server did not answer everything:\n{output}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if found is None:
        raise SystemExit(f"wrk printed no throughput:\n{output}")
    return float(found.group(1))
