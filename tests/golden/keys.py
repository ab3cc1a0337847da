#!/usr/bin/env python3
"""Computes the canonical bytes and the digest of every key in keys.json with cbor2 and hashlib: an implementation of
docs/keys.md that shares nothing with the project's own two.

  keys.py           compares, and exits 1 at the first difference
  keys.py --write   writes what it computed into keys.json

Needs python3-cbor2 (Debian) or `cbor2`. Types that JSON lacks stand in keys.json as {"$": type, ...}.
"""

import hashlib
import json
import math
import pathlib
import struct
import sys

import cbor2
from cbor2 import CBORTag

OURS = 0x52505230
HOLE, DATE, REGEXP, ERROR, DATA_VIEW, SEARCH_PARAMS, JSON_OF = range(OURS, OURS + 7)
TYPED = {
    "Uint8Array": 64, "Uint8ClampedArray": 68, "Uint16Array": 69, "Uint32Array": 70, "BigUint64Array": 71,
    "Int8Array": 72, "Int16Array": 77, "Int32Array": 78, "BigInt64Array": 79, "Float32Array": 85, "Float64Array": 86,
}


def number(x):
    """Numbers are JavaScript's: doubles, of which the whole ones that are exact become integers."""
    x = float(x)
    return int(x) if x.is_integer() and abs(x) <= 2**53 - 1 else x


def encoded(value):
    return cbor2.dumps(value, canonical=True)


class Raw:
    """Bytes that are an encoded item already."""

    def __init__(self, item):
        self.item = item


def write_raw(encoder, raw):
    encoder.write(raw.item)


def canonical(value):
    return cbor2.dumps(value, canonical=True, default=write_raw)


def container(major, items):
    head = bytearray(cbor2.dumps(len(items)))
    head[0] |= major << 5
    return Raw(bytes(head) + b"".join(items))


def value_of(v):
    if isinstance(v, bool) or v is None or isinstance(v, str):
        return v
    if isinstance(v, (int, float)):
        return number(v)
    if isinstance(v, list):
        return [value_of(item) for item in v]
    kind = v.get("$")
    if kind is None:
        return {name: value_of(item) for name, item in v.items()}
    if kind == "undefined":
        return cbor2.undefined
    if kind == "number":
        return {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}[v["text"]]
    if kind == "hole":
        return CBORTag(HOLE, None)
    if kind == "bigint":
        n = int(v["text"])
        size = lambda m: m.to_bytes((m.bit_length() + 7) // 8, "big")
        return CBORTag(2, size(n)) if n >= 0 else CBORTag(3, size(-1 - n))
    if kind == "Date":
        return CBORTag(DATE, number(v["ms"]))
    if kind == "Map":
        pairs = [(canonical(value_of(k)), canonical(value_of(x))) for k, x in v["entries"]]
        return CBORTag(259, container(5, [k + x for k, x in sorted(pairs)]))
    if kind == "Set":
        return CBORTag(258, container(4, sorted(canonical(value_of(x)) for x in v["members"])))
    if kind == "ArrayBuffer":
        return bytes.fromhex(v["hex"])
    if kind == "DataView":
        return CBORTag(DATA_VIEW, bytes.fromhex(v["hex"]))
    if kind in TYPED:
        return CBORTag(TYPED[kind], bytes.fromhex(v["hex"]))
    if kind == "RegExp":
        return CBORTag(REGEXP, [v["source"], v["flags"]])
    if kind == "Error":
        return CBORTag(ERROR, [v["name"], v["message"]] + ([value_of(v["cause"])] if "cause" in v else []))
    if kind == "URL":
        return CBORTag(32, v["href"])
    if kind == "URLSearchParams":
        return CBORTag(SEARCH_PARAMS, v["text"])
    if kind == "toJSON":
        return CBORTag(JSON_OF, value_of(v["json"]))
    if kind == "utf16":
        units = v["units"]
        text = struct.pack(f"<{len(units)}H", *units).decode("utf-16-le", "surrogatepass")
        try:
            text.encode("utf-8")
            return text
        except UnicodeEncodeError:
            return CBORTag(273, text.encode("utf-8", "surrogatepass"))
    raise ValueError(f"no type {kind}")


def main():
    path = pathlib.Path(__file__).with_name("keys.json")
    golden = json.loads(path.read_text())
    wrong = 0
    for key in golden["keys"]:
        version = key.get("version")
        version = number(version) if isinstance(version, (int, float)) else version
        item = [golden["format"], key.get("scope"), key.get("name"), version, value_of(key["args"])]
        computed = {"canonical": canonical(item).hex(), "sha256": hashlib.sha256(canonical(item)).hexdigest()}
        if any(key.get(field) != computed[field] for field in computed):
            wrong += 1
            print(f"{key['what']}: keys.json has {key.get('canonical')}, computed {computed['canonical']}")
        key.update(computed)
    if "--write" in sys.argv:
        path.write_text(json.dumps(golden, indent=1, ensure_ascii=True) + "\n")
        print(f"wrote {len(golden['keys'])} keys")
        return 0
    print(f"{len(golden['keys'])} keys compared, {wrong} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
