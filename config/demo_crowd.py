"""What the launcher asks of the running demo: is it ready, and is somebody in every live room."""

import json
import threading
import time
import urllib.error
import urllib.request
from typing import Any, Final
from zlib import crc32

_LIVE: Final = ("on_live", "paused")
_OVER: Final = ("ended", "played_back")


def wait_until_ready(url: str, is_stopping: threading.Event, *, seconds: float) -> str:
    """Until `/readyz` is green or the time is up; empty when ready, else what was missing last."""
    limit = time.monotonic() + seconds
    missing = "no answer"
    while time.monotonic() < limit and not is_stopping.wait(0.25):
        try:
            _call("GET", f"{url}/readyz")
        except urllib.error.HTTPError as error:
            parts = json.loads(error.read() or b"{}").get("parts", {})
            missing = ", ".join(f"{name} {state}" for name, state in parts.items() if state != "ok")
        except (OSError, ValueError):
            missing = "no answer"
        else:
            return ""
    return missing


def keep_crowds(simulator_url: str) -> None:
    """A crowd in every live room that has none, and none where all have left a room that is over."""
    try:
        groups = _call("GET", f"{simulator_url}/sim/groups")["groups"]
        crowds = {crowd["group_id"]: crowd for crowd in _call("GET", f"{simulator_url}/sim/crowd")["crowds"]}
        for group in groups:
            group_id, status = group["group_id"], group["status"]
            if status in _LIVE and group_id not in crowds:
                _call("POST", f"{simulator_url}/sim/crowd", _order(group_id))
            elif status in _OVER and group_id in crowds and not crowds[group_id]["inside"]:
                _call("DELETE", f"{simulator_url}/sim/crowd?group_id={group_id}")
    except (OSError, ValueError, KeyError):
        return


def _order(group_id: str) -> dict[str, Any]:
    """The same size for the same room, different from its neighbour's."""
    number = crc32(group_id.encode())
    return {
        "group_id": group_id,
        "viewers": 25 + number % 60,
        "messages_per_second": 0.8 + (number // 64) % 20 / 10,
        "seconds": 0,
        "seed": number,
    }


def _call(method: str, url: str, body: dict[str, Any] | None = None) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(  # noqa: S310 (our own two addresses)
        url, data, {"Content-Type": "application/json"}, method=method
    )
    with urllib.request.urlopen(request, timeout=3) as answer:  # noqa: S310
        return json.loads(answer.read())
