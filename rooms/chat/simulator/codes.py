"""Chat's error codes, as far as the simulator answers them, and the exception that carries one."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[int, str]] = {
    10001: "the admin or usersig is wrong",
    10002: "internal error",
    10003: "unknown command",
    10004: "invalid parameter",
    10005: "too many accounts in one request",
    10006: "too frequent",
    10007: "no permission, or not supported by this group type",
    10010: "group does not exist or was disbanded",
    10015: "group id is invalid",
    10016: "refused by the app's webhook",
    10017: "the sender is muted",
    10018: "the reply would be over 1 MB",
    10019: "user does not exist",
    10021: "group id is used by another owner",
    10023: "message frequency exceeded",
    10025: "group id is already used by this owner",
    10026: "the command is disabled for this application",
    10036: "too many live rooms",
    10045: "attribute key is longer than 32 bytes",
    10046: "attribute value is longer than 4000 bytes",
    10047: "more than 16 attributes",
    10048: "all attribute values together are over 16000 bytes",
    10049: "more than 5 attribute writes a second",
    10050: "attribute does not exist",
    10044: "this group type has no roaming messages",
    10053: "more than 30 @ targets",
    10058: "the free plan allows 100 groups",
    10059: "a higher plan is needed",
    10063: "more than 20 counters",
    40001: "invalid profile request",
    40003: "no such user",
    40009: "unknown profile tag",
    40601: "a profile value is longer than 500 bytes",
    40605: "a standard profile value is invalid",
    40610: "a profile value has the wrong type",
    60002: "the HTTP request could not be parsed",
    60003: "Fail to Parse json data of body, Please check it",
    60004: "the account in the URL is missing",
    60006: "sdkappid is invalid",
    60007: "this REST API is called too often",
    60008: "service timeout or request format error,please check and try again",
    60009: "the requested resource does not exist, check the URL",
    60010: "the caller is not an administrator of the app",
    60012: "sdkappid is missing",
    70001: "UserSig has expired",
    70002: "UserSig is empty",
    70003: "UserSig is malformed",
    70009: "UserSig verification failed",
    70013: "identifier differs from the one in the UserSig",
    70014: "sdkappid differs from the one in the UserSig",
    70050: "too many failed verifications, wait a minute",
    70107: "user does not exist",
    70402: "invalid parameter",
    70500: "internal error",
    80002: "message is too long",
    80003: "the before-send webhook failed and the policy is to block",
    90001: "Fail to Parse json data of body, Please check it",
    93000: "packet is too long",
    130001: "Fail to Parse json data of body, Please check it",
}


class RefusedError(Exception):
    """Chat says no: a published code and a text."""

    def __init__(self, code: int, info: str = "") -> None:
        self.code = code
        self.info = info or TEXTS.get(code, "refused")
        super().__init__(f"{code} {self.info}")
