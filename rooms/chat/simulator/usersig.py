"""Verify a UserSig (TLSSigAPIv2, HMAC-SHA256), with the published code for every way it can be wrong.

Written from the description of the format, not from Greenroom's own signer.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import zlib

import orjson

from .codes import RefusedError

MAX_USERSIG = 4096
MAX_INFLATED = 8192


def verify(usersig: str, *, sdkappid: int, identifier: str, secret_key: str, now: float) -> None:
    """Raise RefusedError unless this UserSig was made for this identifier and application and is still good."""
    if not usersig:
        raise RefusedError(70002)
    claims = _decode(usersig)
    if claims.get("TLS.sdkappid") != sdkappid:
        raise RefusedError(70014)
    if claims.get("TLS.identifier") != identifier:
        raise RefusedError(70013)
    issued, lifetime = _whole(claims.get("TLS.time")), _whole(claims.get("TLS.expire"))
    if now > issued + lifetime:
        raise RefusedError(70001)
    lines = [
        f"TLS.identifier:{identifier}",
        f"TLS.sdkappid:{sdkappid}",
        f"TLS.time:{issued}",
        f"TLS.expire:{lifetime}",
    ]
    userbuf = claims.get("TLS.userbuf")
    if userbuf is not None:
        if not isinstance(userbuf, str):
            raise RefusedError(70003)
        lines.append(f"TLS.userbuf:{userbuf}")
    content = "".join(line + "\n" for line in lines).encode()
    expected = base64.b64encode(hmac.new(secret_key.encode(), content, hashlib.sha256).digest())
    given = claims.get("TLS.sig")
    if not isinstance(given, str) or not hmac.compare_digest(expected, given.encode()):
        raise RefusedError(70009)


def _decode(usersig: str) -> dict[str, object]:
    if len(usersig) > MAX_USERSIG or not usersig.isascii():
        raise RefusedError(70003)
    standard = usersig.replace("*", "+").replace("-", "/").replace("_", "=")
    try:
        packed = base64.b64decode(standard, validate=True)
        inflater = zlib.decompressobj()
        text = inflater.decompress(packed, MAX_INFLATED)
        if not inflater.eof:
            raise RefusedError(70003)
        claims: object = orjson.loads(text)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise RefusedError(70003) from error
    if not isinstance(claims, dict):
        raise RefusedError(70003)
    return claims


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise RefusedError(70003)
    return value
