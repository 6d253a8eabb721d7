from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.chat.elements import command_element, from_wire, plain_text, read_command, text_element, to_wire

_TEXT = st.text(st.sampled_from('aé中\x00\\"0-'), max_size=8)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
_TYPES = [
    "TIMTextElem", "TIMCustomElem", "TIMFaceElem", "TIMLocationElem", "TIMImageElem", "TIMSoundElem", "TIMFileElem",
    "TIMVideoFileElem", "TIMRelayElem", "TIMFutureElem",
]  # fmt: skip
_CONTENT_KEYS = st.sampled_from(["Text", "Data", "Desc", "Index", "Url", "UUID", "Latitude", "NewKey", "kind", "extra"])
_WIRE_ELEMENT = st.fixed_dictionaries(
    {"MsgType": st.sampled_from(_TYPES), "MsgContent": st.dictionaries(_CONTENT_KEYS, _JSON, max_size=5)}
)


@given(st.lists(_WIRE_ELEMENT, max_size=5))
def test_a_body_survives_both_ways_without_loss(body: list[dict[str, Any]]) -> None:
    assert to_wire(from_wire(body)) == body


@given(_JSON | st.lists(st.fixed_dictionaries({"MsgType": _JSON, "MsgContent": _JSON}), max_size=3))
def test_no_body_is_too_odd_to_read(body: object) -> None:
    for element in from_wire(body):
        assert isinstance(element["kind"], str)
        read_command(element)


def test_an_image_becomes_a_neutral_element_and_keeps_what_is_not_known() -> None:
    images = [{"Type": 1, "URL": "https://example.org/1.png"}]
    body = [
        {"MsgType": "TIMImageElem", "MsgContent": {"UUID": "1", "ImageFormat": 2, "ImageInfoArray": images, "New": 1}}
    ]

    assert from_wire(body) == [{"kind": "image", "uuid": "1", "format": 2, "images": images, "extra": {"New": 1}}]


def test_an_unknown_type_is_kept_whole() -> None:
    body = [{"MsgType": "TIMHologramElem", "MsgContent": {"Beam": [1, 2]}}]

    assert from_wire(body) == [{"kind": "other", "type": "TIMHologramElem", "content": {"Beam": [1, 2]}}]


def test_the_text_of_a_message_is_its_text_elements() -> None:
    assert plain_text([text_element("你好"), {"kind": "face", "index": 1}, text_element("all")]) == "你好 all"
    assert plain_text([{"kind": "image"}]) == ""


def test_a_command_travels_in_the_published_envelope_and_reads_back() -> None:
    element = command_element("room_status", {"status": "on_live", "version": 2})

    assert orjson.loads(element["data"]) == {
        "version": 1.0,
        "businessID": "greenroom",
        "data": {"cmd": "room_status", "cmdInfo": {"status": "on_live", "version": 2}},
    }
    assert read_command(element) == ("room_status", {"status": "on_live", "version": 2})


@pytest.mark.parametrize(
    "element",
    [
        {"kind": "text", "text": '{"businessID":"greenroom","data":{"cmd":"like"}}'},
        {"kind": "custom"},
        {"kind": "custom", "data": 5},
        {"kind": "custom", "data": "greenroom"},
        {"kind": "custom", "data": '["greenroom"]'},
        {"kind": "custom", "data": '{"businessID":"somebody greenroom","data":{"cmd":"like"}}'},
        {"kind": "custom", "data": '{"businessID":"greenroom","data":"like"}'},
        {"kind": "custom", "data": '{"businessID":"greenroom","data":{"cmd":7}}'},
    ],
)
def test_what_is_not_one_of_our_commands_is_none(element: dict[str, Any]) -> None:
    assert read_command(element) is None
