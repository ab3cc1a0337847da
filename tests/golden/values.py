"""Reads the packed payloads of values.json, by docs/entry-format.md alone, and compares them with the values beside them."""
import json
import math
import pathlib
import struct


def unpack(payload):
    at = 0

    def byte():
        nonlocal at
        at += 1
        return payload[at - 1]

    def number():
        n = shift = 0
        while True:
            b = byte()
            n |= (b & 0x7F) << shift
            shift += 7
            if b < 0x80:
                return n

    def list_of(read):
        return [read() for _ in range(number())]

    form, structure_size, names_size = byte(), number(), number()
    structure = at
    at = names = structure + structure_size
    text_bytes = payload[names + names_size:]
    shapes = []
    if names_size:
        lengths = list_of(number)
        shapes = list_of(lambda: list_of(number))
        units = payload[at:names + names_size].decode("utf-8").encode("utf-16-le")
        cut = [sum(lengths[:i]) * 2 for i in range(len(lengths) + 1)]
        words = [units[a:b].decode("utf-16-le") for a, b in zip(cut, cut[1:])]
        shapes = [[words[i] for i in shape] for shape in shapes]
    at = structure
    text = text_bytes if form == 3 else b"".join(bytes([b, 0]) for b in text_bytes)
    if form == 2:
        patched, position = bytearray(text), -1
        for _ in range(number()):
            position += number() + 1
            patched[2 * position + 1] = byte()
        text = bytes(patched)
    text_at = 0

    def item():
        nonlocal at, text_at
        head = byte()
        kind, n = head >> 5, head & 31
        if n == 31:
            n = number()
        if kind == 0:
            text_at += 2 * n
            return text[text_at - 2 * n:text_at].decode("utf-16-le", "surrogatepass")
        if kind in (1, 2):
            return n if kind == 1 else -1 - n
        if kind == 3:
            return [item() for _ in range(n)]
        if kind == 4:
            return {name: item() for name in shapes[n]}
        at += 8 * (n if kind == 6 else n == 4)
        if kind == 6:
            return list(struct.unpack_from(f"<{n}d", payload, at - 8 * n))
        return [{"$": "undefined"}, None, False, True, None][n] if n < 4 else struct.unpack_from("<d", payload, at - 8)[0]

    value = item()
    assert at == names and text_at == len(text), "bytes are left over"
    return value


def revive(value):
    if isinstance(value, list):
        return [revive(item) for item in value]
    if isinstance(value, dict) and value.get("$") == "number":
        return float(value["text"])
    return {name: revive(item) for name, item in value.items()} if isinstance(value, dict) else value


def same(a, b):
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[name], b[name]) for name in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) or isinstance(b, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    return type(a) is type(b) and a == b


golden = json.loads((pathlib.Path(__file__).parent / "values.json").read_text("utf-8"))["packed"]
differ = [one["what"] for one in golden if not same(unpack(bytes.fromhex(one["payload"])), revive(one["value"]))]
for what in differ:
    print("differs:", what)
print(f"{len(golden)} payloads read, {len(differ)} differ")
raise SystemExit(1 if differ else 0)
