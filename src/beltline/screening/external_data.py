"""Refuses models that keep weights in other files: the sum of the graph would vouch for weights it never saw.

Reads protobuf's wire format by hand, because the core has no `onnx`: only messages that lead to a tensor are
opened, and of a tensor only where its values are.
"""

from __future__ import annotations

from collections.abc import Iterator

from beltline.core import BadInputError, UntrustedWeightsError

_LEADS_TO: dict[str, dict[int, str]] = {  # message: number of a field in it: message that the field holds
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor",
        6: "graph",
        10: "tensor",
        11: "graph",
        22: "sparse tensor",
        23: "sparse tensor",
    },
    "sparse tensor": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_DATA_LOCATION = 14  # field of a tensor; 0 and absent mean that the values are in the file
_FIXED = {1: 8, 5: 4}  # wire types of fixed length, in bytes
_VARINT, _BYTES = 0, 2


def refuse_external_data(payload: bytes, name: str) -> None:
    """Raise if any tensor of an ONNX file, in subgraphs and functions too, lies in another file.

    Args:
        payload: The whole file.
        name: The model's name in messages.

    Raises:
        UntrustedWeightsError: If a tensor says that its values are elsewhere.
        BadInputError: If the bytes are not in protobuf's wire format.

    Source:
        onnx.proto3 of ONNX (field numbers); the encoding page of Protocol Buffers.
    """
    if payload[4:8] == b"ORTM":  # ONNX Runtime would take it, and it too may name other files
        raise BadInputError(f"{name}: not a usable ONNX model (it is in the ORT format); export it as .onnx")
    try:
        if _has_external_data(memoryview(payload)):
            raise UntrustedWeightsError(
                f"{name}: keeps weights in other files, which its SHA-256 says nothing of; put all in one: "
                "onnx.save(onnx.load(FILE), NEW, save_as_external_data=False)"
            )
    except (IndexError, KeyError) as error:
        raise BadInputError(f"{name}: not a usable ONNX model (broken protobuf)") from error


def _has_external_data(model: memoryview) -> bool:
    waiting = [("model", model)]  # a stack: subgraphs may lie deeper than Python recurses
    while waiting:
        kind, message = waiting.pop()
        for number, value in _fields(message):
            if kind == "tensor" and number == _DATA_LOCATION and isinstance(value, int) and value:
                return True
            inner = _LEADS_TO[kind].get(number)
            if inner is not None and isinstance(value, memoryview):
                waiting.append((inner, value))
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of every field; IndexError or KeyError where there is none to read."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, wire_type = (tag & 0xFFFFFFFF) >> 3, tag & 7  # as protobuf itself cuts a long tag
        if wire_type == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        size, at = _varint(message, at) if wire_type == _BYTES else (_FIXED[wire_type], at)
        if size > len(message) - at:
            raise IndexError("a field ends behind its message")
        yield number, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise IndexError("a number of more than ten bytes")
