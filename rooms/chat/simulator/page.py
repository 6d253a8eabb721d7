"""The viewer's page: what a viewer's client would show, with its own script and style and a strict policy."""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from .http import Request
from .world import Group, is_account_id

if TYPE_CHECKING:
    from .hub import Simulator

FOLDER = Path(__file__).parent / "assets"
ASSETS = {
    "viewer.js": "text/javascript; charset=utf-8",
    "viewer.css": "text/css; charset=utf-8",
    "viewer.svg": "image/svg+xml",
}
POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' https:; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
HEADERS = (
    (b"content-security-policy", POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


@cache
def _file(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


async def serve_asset(request: Request, name: str) -> None:
    if name not in ASSETS:
        await request.json({"error": "Not found."}, status=404)
        return
    await request.respond(200, _file(name), ASSETS[name], HEADERS)


async def serve_view(request: Request, group: Group) -> None:
    """The page of one viewer; without an account it asks for a name."""
    account = request.query().get("account", "")
    if account and not is_account_id(account):
        await request.json({"error": "account must be 1 to 32 printable ASCII characters."}, status=400)
        return
    page = _file("viewer.html").decode()
    page = page.replace("{{group_id}}", escape(group.group_id)).replace("{{account}}", escape(account))
    page = page.replace("{{name}}", escape(group.name))
    await request.respond(200, page.encode(), "text/html; charset=utf-8", HEADERS)


async def serve_index(request: Request, simulator: Simulator) -> None:
    """The rooms there are, each with a way in."""
    rows = "".join(
        f'<li><a href="/sim/groups/{quote(group.group_id, safe="")}/view">{escape(group.name)}</a>'
        f" <span>{escape(group.attributes.get('room_status', ''))}</span> <b>{group.online_count}</b></li>"
        for group in list(simulator.world.groups.values())[:500]
    )
    page = _file("index.html").decode().replace("{{rows}}", rows or "<li>No rooms yet.</li>")
    await request.respond(200, page.encode(), "text/html; charset=utf-8", HEADERS)
