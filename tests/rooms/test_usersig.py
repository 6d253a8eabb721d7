import base64
import time
import zlib
from typing import Any

import orjson
import pytest
import time_machine

from rooms.chat.usersig import AdminTicket, InvalidUserSig, sign, verify

_KEY_A = "ae44711a552186d1e03f5fcd4cc792db75b1159d27b75dd59145d13dc5b68aa8"
_KEY_B = "4ca4c622c9fecef11f95abc08323532efaccf0c466a10ea1fc5dd69811a139c9"

# Published vectors; the keys are synthetic and belong to no application.
# (sdkappid, key, account, lifetime, issued at, whether with userbuf, TLS.sig, ticket)
VECTORS = {
    "admin-default-expiry": (
        1400000001, _KEY_A, "administrator", 15552000, 1700000000, False,
        "TxpF/4vjtdVJZH8NGhq3wwDMKuHe7C0s7qnqEQudqXs=",
        "eJyrVgrxCdYrSy1SslJQMtIzUNJRAItkpqTmlWSmZUIkElNyM-Myi0uKEkvyi2BKilOyEwsKMlOACgxNDCDAECqXWlGQWZQKkjE1NTUCSkDF"
        "SzJzwaLmUPUw8eLMdJA9IRUFbvomZVklKWFeUR4Wfu4Zhcbl5S6*3qUeqebOBsXmhXmFroGlKYURxbZKtQDV9zab",
    ),
    "short-expiry-8-digit-appid": (
        20012345, _KEY_B, "room-ops-7", 86400, 1735689600, False,
        "592HM6KE2bRRKDdHhSERepQ+IY/pfO3z/U5Ckz63e6I=",
        "eJw9zEELgjAYgOG-IruWOjc3NehUgmIRTTt0LDbrQ2xDJcLov6dlXZ8X3icqNrlzVw1aWIg4GM2tj4BUtw5K*IZG69rWprWDX29ldTIG5FAJ"
        "xh6hPpuKehho1OAh9zGesIN6JC*gjIcR-3sLl-HPIpJseRaTsxDZWibXPBbK7Gfp0TXljvbuga2qnlPF0yV6vQGoajHp",
    ),
    "max-length-32-byte-id": (
        1600123456, _KEY_A, "u_0123456789abcdefghijklmnopqrst", 604800, 1751328000, False,
        "ubjOriMG5E8Qu4HphmYC11xkFzSMd/5Ohj5lewoFg8A=",
        "eJw1zb0OgjAYheFbMZ0NtkChmjgYIzpIiMHFyYAt8PFbCyjReO8iwvq8OTlvdD762kMotJohXcNoPhsEuCgbiOAf2ismumFSy2bLILxxEcUJ"
        "pFlelJW8q7qZVjXPAimB9xti4XEzNtFJUKIvFjYZxqM2UPyM2JQYes*T1xAPx2HqKXD3dMdOrXmQSXHZEtJlzst3*YJ6SUpz8aycmG3W6PMF"
        "zk87lw__",
    ),
    "at-hash-prefix-id": (
        1400000001, _KEY_B, "@TGS#_@TGS#cQVLVHIM62CJ", 3600, 1767225600, False,
        "zlMqw/0rJoZ5vZ9f46v2o7nvSfyWJABV6zsiDAUYgMg=",
        "eJyrVgrxCdYrSy1SslJQMtIzUNJRAItkpqTmlWSmZUIkHELcg5XjwWRyYJhPmIenr5mRsxdMcXFKdmJBQWYKUKmhiQEEGELlUisKMotSgTLG"
        "ZgYGULGSzFyQiKG5mbmRkSlCvDgzHWRbVY5vYbm*QZFXfpRpWZRlmolZmVG*eV5ZcFpluJejU5hZVXGmi2NoZLpvuq1SLQBAsja-",
    ),
    "printable-ascii-needs-json-escape": (
        1400000001, _KEY_A, 'q"w\\e @RBT#001/+=*-_~<&>', 7200, 1767229200, False,
        "s8OEP58bvgkaVuErY3opbNLi4BxdRr6M2a0U/Ez7BWg=",
        "eJyrVgrxCdYrSy1SslJQMtIzUNJRAItkpqTmlWSmZUIkCmOUymNiUhUcgpxClA0MDPW1bbV04*ts1Oxg6otTshMLCjJTgKoNTQwgwBAql1pR"
        "kFmUCpQxNzIwgIqVZOaCRAzNzcyNjCwR4sWZ6SALiy38XQNMLZLK0rMTw0pdiyKN8wuS-HwyTZwqUoKKzHyNEg1C9V2rzJ3C022VagGiujaT",
    ),
    "with-userbuf": (
        1400000001, _KEY_B, "trtc_user_42", 172800, 1767312000, True,
        "3v67dCx+FxreBXFplbTYm94t8hMzh6f2P6TACOcQpnY=",
        "eJw9jd0KgjAAhV8ldlvINmVq0MWSJCLJSCKvJN3M0Q9jTtGid69ldS6-73DOAyTrndVyBaYjgC0IJqMPEYzftCjFILTSRdbUXGUO-jVqdj5K"
        "KdjbIwcOQV-HOykUN8bFHoRfqsV1YMS1EYZ-bobzpjRHlNKILVcwRT4q8L4-3Lc9DX2*iL3Z-1icTNVuicuCbhx2is8PobzkSXr1He1V0b0i"
        "JY5JQoNNsZW3dAaeL6qoQmE_",
    ),
}  # fmt: skip
_APP, _ACCOUNT, _ISSUED = 1400000001, "administrator", 1700000000


def _open(ticket: str) -> dict[str, Any]:
    text = ticket.replace("*", "+").replace("-", "/").replace("_", "=")
    fields: dict[str, Any] = orjson.loads(zlib.decompress(base64.b64decode(text)))
    return fields


def _close(plain: bytes) -> str:
    text = base64.b64encode(zlib.compress(plain)).decode()
    return text.replace("+", "*").replace("/", "-").replace("=", "_")


@pytest.mark.parametrize("name", VECTORS)
def test_every_published_ticket_is_accepted_until_it_expires(name: str) -> None:
    appid, key, account, lifetime, issued_at, _, _, ticket = VECTORS[name]

    verify(ticket, sdkappid=appid, key=key, account=account, now=issued_at)
    verify(ticket, sdkappid=appid, key=key, account=account, now=issued_at + lifetime)
    with pytest.raises(InvalidUserSig, match="expired"):
        verify(ticket, sdkappid=appid, key=key, account=account, now=issued_at + lifetime + 1)


@pytest.mark.parametrize("name", [name for name, vector in VECTORS.items() if not vector[5]])
def test_we_sign_what_the_published_ticket_signs(name: str) -> None:
    appid, key, account, lifetime, issued_at, _, signature, _ = VECTORS[name]

    with time_machine.travel(issued_at, tick=False):
        ticket = sign(sdkappid=appid, key=key, account=account, expire_seconds=lifetime)

    assert _open(ticket)["TLS.sig"] == signature
    verify(ticket, sdkappid=appid, key=key, account=account, now=issued_at)


def test_key_order_and_spacing_of_the_ticket_do_not_matter() -> None:
    fields = _open(VECTORS["with-userbuf"][7])
    appid, key, account, _, issued_at, _, _, _ = VECTORS["with-userbuf"]

    rewritten = _close(orjson.dumps(dict(reversed(fields.items())), option=orjson.OPT_INDENT_2))

    verify(rewritten, sdkappid=appid, key=key, account=account, now=issued_at)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("TLS.expire", 99_999_999),
        ("TLS.time", _ISSUED + 5),
        ("TLS.sig", "AAAA"),
        ("TLS.sig", None),
        ("TLS.sig", "é"),
        ("TLS.userbuf", "AAAA"),
    ],
)
def test_a_ticket_that_was_tampered_with_is_refused(field: str, value: object) -> None:
    fields = {**_open(VECTORS["admin-default-expiry"][7]), field: value}

    with pytest.raises(InvalidUserSig, match="not signed"):
        verify(_close(orjson.dumps(fields)), sdkappid=_APP, key=_KEY_A, account=_ACCOUNT, now=_ISSUED)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sdkappid": 1400000002}, "another application"),
        ({"account": "somebody"}, "another account"),
        ({"key": _KEY_B}, "not signed"),
    ],
)
def test_a_good_ticket_opens_no_other_door(changes: dict[str, Any], reason: str) -> None:
    wanted = {"sdkappid": _APP, "key": _KEY_A, "account": _ACCOUNT, "now": _ISSUED, **changes}

    with pytest.raises(InvalidUserSig, match=reason):
        verify(VECTORS["admin-default-expiry"][7], **wanted)


@pytest.mark.parametrize(
    "ticket",
    [
        "",
        "no base64 at all",
        "é",
        base64.b64encode(b"not deflated").decode(),
        _close(b"not json"),
        _close(b"[]"),
        _close(b"{}"),
        _close(
            b'{"TLS.identifier":"administrator","TLS.sdkappid":1400000001,"TLS.time":"x","TLS.expire":1,"TLS.sig":""}'
        ),
        _close(
            b'{"TLS.identifier":"administrator","TLS.sdkappid":1400000001,"TLS.time":1e999,"TLS.expire":1,"TLS.sig":""}'
        ),
        _close(b"[" * 5000),
        _close(b" " * 10_000_000),
    ],
)
def test_what_is_no_ticket_is_refused_and_raises_nothing_else(ticket: str) -> None:
    with pytest.raises(InvalidUserSig):
        verify(ticket, sdkappid=_APP, key=_KEY_A, account=_ACCOUNT, now=_ISSUED)


def test_the_administrators_ticket_is_kept_for_a_day_and_renewed_before_it_ends() -> None:
    with time_machine.travel(_ISSUED, tick=False) as clock:
        ticket = AdminTicket(sdkappid=_APP, key=_KEY_A, account=_ACCOUNT, clock=time.time)
        first = ticket.usersig()
        clock.shift(AdminTicket.lifetime_seconds - AdminTicket.renew_before_seconds)
        kept = ticket.usersig()
        clock.shift(1)
        renewed = ticket.usersig()

    assert kept == first
    assert renewed != first
    verify(renewed, sdkappid=_APP, key=_KEY_A, account=_ACCOUNT, now=_ISSUED + AdminTicket.lifetime_seconds + 3600)
