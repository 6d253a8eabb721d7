"""Message elements: Chat's `MsgBody` on one side, plain snake_case dicts on the other, both ways without loss.

A neutral element is a JSON object with a `kind`; keys this table does not know are kept under `extra`, and an
element type it does not know is kept whole as `{"kind": "other", "type": ..., "content": ...}`.
Shapes: https://www.tencentcloud.com/document/product/1047/33527.
"""

from typing import Any, Final

import orjson

Element = dict[str, Any]
Wire = dict[str, Any]

BUSINESS_ID: Final = "greenroom"
# CloudCustomData of an operator's highlighted text: clients that know it draw attention, others show plain text.
HIGHLIGHT_MARK: Final = '{"businessID":"greenroom","style":"highlight"}'

_KINDS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "TIMTextElem": ("text", {"Text": "text"}),
    "TIMCustomElem": ("custom", {"Data": "data", "Desc": "desc", "Ext": "ext", "Sound": "sound"}),
    "TIMFaceElem": ("face", {"Index": "index", "Data": "data"}),
    "TIMLocationElem": ("location", {"Desc": "desc", "Latitude": "latitude", "Longitude": "longitude"}),
    "TIMImageElem": ("image", {"UUID": "uuid", "ImageFormat": "format", "ImageInfoArray": "images"}),
    "TIMSoundElem": (
        "sound",
        {"Url": "url", "UUID": "uuid", "Size": "size", "Second": "seconds", "Download_Flag": "download_flag"},
    ),
    "TIMFileElem": (
        "file",
        {"Url": "url", "UUID": "uuid", "FileSize": "size", "FileName": "name", "Download_Flag": "download_flag"},
    ),
    "TIMVideoFileElem": (
        "video",
        {
            "VideoUrl": "url", "VideoUUID": "uuid", "VideoSize": "size", "VideoSecond": "seconds",
            "VideoFormat": "format", "VideoDownloadFlag": "download_flag", "ThumbUrl": "thumb_url",
            "ThumbUUID": "thumb_uuid", "ThumbSize": "thumb_size", "ThumbWidth": "thumb_width",
            "ThumbHeight": "thumb_height", "ThumbFormat": "thumb_format", "ThumbDownloadFlag": "thumb_download_flag",
        },
    ),
    "TIMRelayElem": (
        "relay",
        {
            "Title": "title", "MsgNum": "message_count", "CompatibleText": "compatible_text",
            "AbstractList": "abstracts", "MsgList": "messages", "JsonMsgKey": "message_key",
        },
    ),
}  # fmt: skip
_TYPES: Final = {kind: (msg_type, keys) for msg_type, (kind, keys) in _KINDS.items()}


def text_element(text: str) -> Element:
    return {"kind": "text", "text": text}


def command_element(cmd: str, info: dict[str, Any]) -> Element:
    """A custom element that carries one of Greenroom's commands in the published live-kit envelope."""
    envelope = {"version": 1.0, "businessID": BUSINESS_ID, "data": {"cmd": cmd, "cmdInfo": info}}
    return {"kind": "custom", "data": orjson.dumps(envelope).decode()}


def read_command(element: Element) -> tuple[str, dict[str, Any]] | None:
    """The command and its info of a Greenroom custom element; None for every other element."""
    if element.get("kind") != "custom":
        return None
    data = element.get("data")
    if not isinstance(data, str) or BUSINESS_ID not in data:
        return None
    try:
        envelope = orjson.loads(data)
    except ValueError:
        return None
    if not isinstance(envelope, dict) or envelope.get("businessID") != BUSINESS_ID:
        return None
    body = envelope.get("data")
    if not isinstance(body, dict) or not isinstance(body.get("cmd"), str):
        return None
    info = body.get("cmdInfo")
    return body["cmd"], info if isinstance(info, dict) else {}


def from_wire(body: object) -> list[Element]:
    """Neutral elements of a `MsgBody`; anything that is not an array of objects yields no elements."""
    if not isinstance(body, list):
        return []
    return [_element_from_wire(item) for item in body if isinstance(item, dict)]


def _element_from_wire(item: Wire) -> Element:
    msg_type, content = item.get("MsgType"), item.get("MsgContent")
    known = _KINDS.get(msg_type) if isinstance(msg_type, str) else None
    if known is None or not isinstance(content, dict):
        return {"kind": "other", "type": msg_type, "content": content}
    kind, keys = known
    element: Element = {"kind": kind}
    extra: Wire = {}
    for key, value in content.items():
        name = keys.get(key)
        if name is None:
            extra[key] = value
        else:
            element[name] = value
    if extra:
        element["extra"] = extra
    return element


def to_wire(elements: list[Element]) -> list[Wire]:
    """The `MsgBody` for neutral elements; the exact reverse of `from_wire`."""
    body: list[Wire] = []
    for element in elements:
        if element["kind"] == "other":
            body.append({"MsgType": element.get("type"), "MsgContent": element.get("content")})
            continue
        msg_type, keys = _TYPES[element["kind"]]
        content = {key: element[name] for key, name in keys.items() if name in element}
        content.update(element.get("extra", {}))
        body.append({"MsgType": msg_type, "MsgContent": content})
    return body


def plain_text(elements: list[Element]) -> str:
    """What a person would read of a message: its text elements joined; empty for pure media or custom data."""
    texts = [element["text"] for element in elements if isinstance(element.get("text"), str)]
    return " ".join(texts)
