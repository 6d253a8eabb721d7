"""UserSigs made by Tencent's own library verify; every way they can be wrong has its code."""

from __future__ import annotations

import base64
import zlib

import orjson
import pytest

from rooms.chat.simulator.codes import RefusedError
from rooms.chat.simulator.usersig import verify

KEY_A = "ae44711a552186d1e03f5fcd4cc792db75b1159d27b75dd59145d13dc5b68aa8"
KEY_B = "4ca4c622c9fecef11f95abc08323532efaccf0c466a10ea1fc5dd69811a139c9"

# name: application, key, identifier, lifetime, time, UserSig
VECTORS = {
    "admin-default-expiry": (
        1400000001,
        KEY_A,
        "administrator",
        15552000,
        1700000000,
        "eJyrVgrxCdYrSy1SslJQMtIzUNJRAItkpqTmlWSmZUIkElNyM-Myi0uKEkvyi2BKilOyEwsKMlOACgxNDCDAECqXWlGQWZQK"
        "kjE1NTUCSkDFSzJzwaLmUPUw8eLMdJA9IRUFbvomZVklKWFeUR4Wfu4Zhcbl5S6*3qUeqebOBsXmhXmFroGlKYURxbZKtQDV"
        "9zab",
    ),
    "short-expiry-8-digit-appid": (
        20012345,
        KEY_B,
        "room-ops-7",
        86400,
        1735689600,
        "eJw9zEELgjAYgOG-IruWOjc3NehUgmIRTTt0LDbrQ2xDJcLov6dlXZ8X3icqNrlzVw1aWIg4GM2tj4BUtw5K*IZG69rWprWD"
        "X29ldTIG5FAJxh6hPpuKehho1OAh9zGesIN6JC*gjIcR-3sLl-HPIpJseRaTsxDZWibXPBbK7Gfp0TXljvbuga2qnlPF0yV6"
        "vQGoajHp",
    ),
    "max-length-32-byte-id": (
        1600123456,
        KEY_A,
        "u_0123456789abcdefghijklmnopqrst",
        604800,
        1751328000,
        "eJw1zb0OgjAYheFbMZ0NtkChmjgYIzpIiMHFyYAt8PFbCyjReO8iwvq8OTlvdD762kMotJohXcNoPhsEuCgbiOAf2ismumFS"
        "y2bLILxxEcUJpFlelJW8q7qZVjXPAimB9xti4XEzNtFJUKIvFjYZxqM2UPyM2JQYes*T1xAPx2HqKXD3dMdOrXmQSXHZEtJl"
        "zst3*YJ6SUpz8aycmG3W6PMFzk87lw__",
    ),
    "at-hash-prefix-id": (
        1400000001,
        KEY_B,
        "@TGS#_@TGS#cQVLVHIM62CJ",
        3600,
        1767225600,
        "eJyrVgrxCdYrSy1SslJQMtIzUNJRAItkpqTmlWSmZUIkHELcg5XjwWRyYJhPmIenr5mRsxdMcXFKdmJBQWYKUKmhiQEEGELl"
        "UisKMotSgTLGZgYGULGSzFyQiKG5mbmRkSlCvDgzHWRbVY5vYbm*QZFXfpRpWZRlmolZmVG*eV5ZcFpluJejU5hZVXGmi2No"
        "ZLpvuq1SLQBAsja-",
    ),
    "printable-ascii-needs-json-escape": (
        1400000001,
        KEY_A,
        'q"w\\e @RBT#001/+=*-_~<&>',
        7200,
        1767229200,
        "eJyrVgrxCdYrSy1SslJQMtIzUNJRAItkpqTmlWSmZUIkCmOUymNiUhUcgpxClA0MDPW1bbV04*ts1Oxg6otTshMLCjJTgKoN"
        "TQwgwBAql1pRkFmUCpQxNzIwgIqVZOaCRAzNzcyNjCwR4sWZ6SALiy38XQNMLZLK0rMTw0pdiyKN8wuS-HwyTZwqUoKKzHyN"
        "Eg1C9V2rzJ3C022VagGiujaT",
    ),
    "with-userbuf": (
        1400000001,
        KEY_B,
        "trtc_user_42",
        172800,
        1767312000,
        "eJw9jd0KgjAAhV8ldlvINmVq0MWSJCLJSCKvJN3M0Q9jTtGid69ldS6-73DOAyTrndVyBaYjgC0IJqMPEYzftCjFILTSRdbU"
        "XGUO-jVqdj5KKdjbIwcOQV-HOykUN8bFHoRfqsV1YMS1EYZ-bobzpjRHlNKILVcwRT4q8L4-3Lc9DX2*iL3Z-1icTNVuicuC"
        "bhx2is8PobzkSXr1He1V0b0iJY5JQoNNsZW3dAaeL6qoQmE_",
    ),
}


def check(name: str, *, now: float | None = None, **changes: object) -> None:
    appid, key, identifier, lifetime, issued, sig = VECTORS[name]
    arguments = {"sdkappid": appid, "identifier": identifier, "secret_key": key, "usersig": sig, **changes}
    verify(now=issued + lifetime if now is None else now, **arguments)


def code_of(name: str, **changes: object) -> int:
    with pytest.raises(RefusedError) as caught:
        check(name, **changes)
    return caught.value.code


def pack(claims: object) -> str:
    packed = base64.b64encode(zlib.compress(orjson.dumps(claims))).decode()
    return packed.replace("+", "*").replace("/", "-").replace("=", "_")


@pytest.mark.parametrize("name", VECTORS)
def test_every_vector_verifies_until_its_last_second(name: str) -> None:
    check(name)
    _, _, _, lifetime, issued, _ = VECTORS[name]
    assert code_of(name, now=issued + lifetime + 1) == 70001


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_is_good_for_nobody_else(name: str) -> None:
    other_key = KEY_A if VECTORS[name][1] == KEY_B else KEY_B
    assert code_of(name, secret_key=other_key) == 70009
    assert code_of(name, identifier="somebody") == 70013
    assert code_of(name, sdkappid=1) == 70014


def test_what_cannot_be_read_is_malformed() -> None:
    bomb = base64.b64encode(zlib.compress(b"0" * 20_000_000)).decode().replace("+", "*").replace("/", "-")
    broken = [
        "x",
        "____",
        "é" * 10,
        "A" * 5000,
        bomb.replace("=", "_"),
        pack([1, 2]),
        pack("text"),
        base64.b64encode(b"not zlib").decode().replace("=", "_"),
        pack({"TLS.sdkappid": 1400000001, "TLS.identifier": "administrator", "TLS.time": "now", "TLS.expire": 1}),
        pack({"TLS.sdkappid": 1400000001, "TLS.identifier": "administrator", "TLS.time": True, "TLS.expire": 1}),
    ]
    for sig in broken:
        assert code_of("admin-default-expiry", usersig=sig) == 70003
    assert code_of("admin-default-expiry", usersig="") == 70002


def test_spacing_and_order_of_the_json_do_not_matter() -> None:
    appid, key, identifier, lifetime, issued, sig = VECTORS["with-userbuf"]
    standard = sig.replace("*", "+").replace("-", "/").replace("_", "=")
    claims = orjson.loads(zlib.decompress(base64.b64decode(standard)))
    reordered = pack(dict(sorted(claims.items(), reverse=True)))
    assert reordered != sig
    verify(reordered, sdkappid=appid, identifier=identifier, secret_key=key, now=issued + lifetime)
    del claims["TLS.userbuf"]
    assert code_of("with-userbuf", usersig=pack(claims)) == 70009
