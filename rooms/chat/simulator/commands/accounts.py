"""Accounts and profiles (docs 34953, 34954, 34956, 34916, 34917)."""

from __future__ import annotations

from ..codes import RefusedError
from ..world import is_account_id
from . import LOGIN, PROFILE, Call, Entry
from .fields import Body

STANDARD_TEXTS = {
    "Tag_Profile_IM_Nick": 500,
    "Tag_Profile_IM_Location": 16,
    "Tag_Profile_IM_SelfSignature": 500,
    "Tag_Profile_IM_Image": 500,
}
STANDARD_NUMBERS = frozenset(
    {
        "Tag_Profile_IM_BirthDay",
        "Tag_Profile_IM_Language",
        "Tag_Profile_IM_MsgSettings",
        "Tag_Profile_IM_Level",
        "Tag_Profile_IM_Role",
    }
)
STANDARD_CHOICES = {
    "Tag_Profile_IM_Gender": ("Gender_Type_Unknown", "Gender_Type_Female", "Gender_Type_Male"),
    "Tag_Profile_IM_AllowType": (
        "AllowType_Type_NeedConfirm",
        "AllowType_Type_AllowAny",
        "AllowType_Type_DenyAny",
    ),
    "Tag_Profile_IM_AdminForbidType": ("AdminForbid_Type_None", "AdminForbid_Type_SendOut"),
}
CUSTOM_TAG = "Tag_Profile_Custom_"


async def account_import(call: Call) -> Body:
    fields = call.fields
    user_id = fields.account("UserID", "Identifier")
    nick, face_url = _names(fields.body)
    call.simulator.world.import_account(user_id, nick, face_url)
    return {}


async def multiaccount_import(call: Call) -> Body:
    fields, world = call.fields, call.simulator.world
    failed: list[object] = []
    if "AccountList" in fields.body:
        for item in fields.objects("AccountList", limit=100):
            user_id = item.get("UserID")
            try:
                nick, face_url = _names(item)
            except RefusedError:
                failed.append(user_id)
                continue
            if isinstance(user_id, str) and is_account_id(user_id):
                world.import_account(user_id, nick, face_url)
            else:
                failed.append(user_id)
    else:
        for user_id in fields.strings("Accounts", limit=100):
            if is_account_id(user_id):
                world.import_account(user_id)
            else:
                failed.append(user_id)
    return {"FailAccounts": failed}


async def account_check(call: Call) -> Body:
    results: list[Body] = []
    for item in call.fields.objects("CheckItem", limit=100):
        user_id = item.get("UserID")
        if not isinstance(user_id, str):
            raise call.fields.refuse("UserID must be a string")
        status = "Imported" if user_id in call.simulator.world.accounts else "NotImported"
        results.append({"UserID": user_id, "ResultCode": 0, "ResultInfo": "", "AccountStatus": status})
    return {"ResultItem": results}


async def portrait_set(call: Call) -> Body:
    fields, world = call.fields, call.simulator.world
    account = world.accounts.get(fields.account("From_Account"))
    if account is None:
        raise RefusedError(40003)
    checked: list[tuple[str, object]] = []
    for item in fields.objects("ProfileItem", limit=100):
        tag, value = item.get("Tag"), item.get("Value")
        if not isinstance(tag, str):
            raise fields.refuse("Tag must be a string")
        _check_profile(tag, value)
        checked.append((tag, value))
    for tag, value in checked:
        account.profile[tag] = value
        if tag == "Tag_Profile_IM_Nick" and isinstance(value, str):
            account.nick = value
        elif tag == "Tag_Profile_IM_Image" and isinstance(value, str):
            account.face_url = value
    return {"ErrorDisplay": ""}


async def portrait_get(call: Call) -> Body:
    fields, world = call.fields, call.simulator.world
    tags = fields.strings("TagList", limit=100)
    items: list[Body] = []
    failed: list[str] = []
    for user_id in fields.strings("To_Account", limit=100):
        account = world.accounts.get(user_id)
        if account is None:
            failed.append(user_id)
            items.append({"To_Account": user_id, "ResultCode": 40003, "ResultInfo": "no such user"})
            continue
        profile = {
            **account.profile,
            "Tag_Profile_IM_Nick": account.nick,
            "Tag_Profile_IM_Image": account.face_url,
        }
        found = [{"Tag": tag, "Value": profile[tag]} for tag in tags if profile.get(tag, "") != ""]
        items.append({"To_Account": user_id, "ProfileItem": found, "ResultCode": 0, "ResultInfo": ""})
    extra: Body = {"Fail_Account": failed} if failed else {}
    return {"UserProfileItem": items, "ErrorDisplay": "", **extra}


def _names(item: Body) -> tuple[str | None, str | None]:
    found: list[str | None] = []
    for name in ("Nick", "FaceUrl"):
        value = item.get(name)
        if value is not None and not isinstance(value, str):
            raise RefusedError(70402, f"{name} must be a string")
        if value is not None and len(value.encode()) > 500:
            raise RefusedError(40601)
        found.append(value)
    return found[0], found[1]


def _check_profile(tag: str, value: object) -> None:
    if tag in STANDARD_TEXTS:
        if not isinstance(value, str):
            raise RefusedError(40610)
        if len(value.encode()) > STANDARD_TEXTS[tag]:
            raise RefusedError(40601)
    elif tag in STANDARD_NUMBERS:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**32:
            raise RefusedError(40610)
    elif tag in STANDARD_CHOICES:
        if value not in STANDARD_CHOICES[tag]:
            raise RefusedError(40605)
    elif tag.startswith(CUSTOM_TAG) and 0 < len(tag) - len(CUSTOM_TAG) <= 8 and tag[len(CUSTOM_TAG) :].isalpha():
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise RefusedError(40610)
        if isinstance(value, str) and len(value.encode()) > 500:
            raise RefusedError(40601)
    else:
        raise RefusedError(40009)


COMMANDS = {
    f"{LOGIN}/account_import": Entry(account_import, bad_code=70402),
    f"{LOGIN}/multiaccount_import": Entry(multiaccount_import, bad_code=70402, rate=100),
    f"{LOGIN}/account_check": Entry(account_check, bad_code=70402, rate=100),
    f"{PROFILE}/portrait_set": Entry(portrait_set, bad_code=40001),
    f"{PROFILE}/portrait_get": Entry(portrait_get, bad_code=40001),
}
