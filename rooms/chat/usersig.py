"""UserSig tickets (TLSSigAPIv2, HMAC-SHA256): https://www.tencentcloud.com/document/product/1047/34385."""

import base64
import hashlib
import hmac
import threading
import time
import zlib
from collections.abc import Callable

import orjson
from TLSSigAPIv2 import TLSSigAPIv2

_INFLATED_LIMIT = 8 * 1024


class InvalidUserSig(ValueError):
    """The ticket is malformed, for somebody else, expired, or not signed with this key."""


def sign(*, sdkappid: int, key: str, account: str, expire_seconds: int) -> str:
    """A ticket with which `account` may log in for `expire_seconds` from now."""
    signed: str = TLSSigAPIv2(sdkappid, key).gen_sig(account, expire_seconds)
    return signed


def verify(usersig: str, *, sdkappid: int, key: str, account: str, now: float) -> None:
    """Raise InvalidUserSig unless `usersig` lets `account` into `sdkappid` at `now` (Unix seconds).

    Accepts every encoder's JSON spacing and key order: only the signed lines count.
    """
    text = usersig.replace("*", "+").replace("-", "/").replace("_", "=")
    try:
        inflater = zlib.decompressobj()
        plain = inflater.decompress(base64.b64decode(text, validate=True), _INFLATED_LIMIT)
        if inflater.unconsumed_tail:
            raise InvalidUserSig("the ticket is too long")
        fields = orjson.loads(plain)
        signed_account, signed_app = fields["TLS.identifier"], fields["TLS.sdkappid"]
        issued_at, lifetime = int(fields["TLS.time"]), int(fields["TLS.expire"])
        signature, userbuf = fields["TLS.sig"], fields.get("TLS.userbuf")
    except (ValueError, zlib.error, KeyError, TypeError, AttributeError) as error:
        raise InvalidUserSig("the ticket cannot be decoded") from error
    if signed_app != sdkappid:
        raise InvalidUserSig("the ticket is for another application")
    if signed_account != account:
        raise InvalidUserSig("the ticket is for another account")
    if now > issued_at + lifetime:
        raise InvalidUserSig("the ticket has expired")
    lines = [
        f"TLS.identifier:{signed_account}",
        f"TLS.sdkappid:{signed_app}",
        f"TLS.time:{issued_at}",
        f"TLS.expire:{lifetime}",
    ]
    if userbuf is not None:
        lines.append(f"TLS.userbuf:{userbuf}")
    content = "".join(f"{line}\n" for line in lines).encode()
    expected = base64.b64encode(hmac.new(key.encode(), content, hashlib.sha256).digest())
    if not isinstance(signature, str) or not hmac.compare_digest(expected, signature.encode()):
        raise InvalidUserSig("the ticket was not signed with this key")


class AdminTicket:
    """The administrator's ticket for REST calls, signed once and renewed before it runs out."""

    lifetime_seconds = 24 * 3600
    renew_before_seconds = 3600

    def __init__(self, *, sdkappid: int, key: str, account: str, clock: Callable[[], float] = time.time) -> None:
        self._sdkappid, self._key, self._account, self._clock = sdkappid, key, account, clock
        self._lock = threading.Lock()
        self._usersig, self._expires_at = "", 0.0

    def usersig(self) -> str:
        with self._lock:
            now = self._clock()
            if now > self._expires_at - self.renew_before_seconds:
                self._usersig = sign(
                    sdkappid=self._sdkappid,
                    key=self._key,
                    account=self._account,
                    expire_seconds=self.lifetime_seconds,
                )
                self._expires_at = now + self.lifetime_seconds
            return self._usersig
