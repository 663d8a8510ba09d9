"""Rows as an MCAP file, for viewers such as Foxglove: one channel per stream, one JSON message per row.

A message's time is the robot's clock [s] as nanoseconds; its sequence number is the row's. Numbers that JSON
does not know (NaN, infinities) become null.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from daydreamer.core.errors import DaydreamerError
from daydreamer.core.specs import ArraySpec, Specs
from daydreamer.replay.archive import Archive


def write(archive: Archive, path: Path) -> int:
    """Write all good rows to ``path``; how many.

    Raises:
        DaydreamerError: mcap is not installed.
    """
    try:
        from mcap.writer import Writer
    except ImportError as error:
        raise DaydreamerError("the MCAP format needs mcap; from a clone: pip install '.[export]'") from error
    count = 0
    specs = archive.layout.specs
    with open(path, "wb") as file:
        writer = Writer(file)
        writer.start(profile="", library="daydreamer")
        schema = writer.register_schema(
            "daydreamer.row", "jsonschema", json.dumps(json_schema(specs)).encode()
        )
        channels: dict[str, int] = {}
        for part in archive.parts():
            if part.stream not in channels:
                channels[part.stream] = writer.register_channel(f"/{part.stream}", "json", schema)
            for number, row in enumerate(part.rows, part.first_seq):
                moment = max(0, round(float(row["time"]) * 1e9)) if "time" in specs else number
                data = json.dumps({name: _plain(row[name]) for name in specs}).encode()
                writer.add_message(channels[part.stream], moment, data, moment, number & 0xFFFFFFFF)
            count += len(part.rows)
        writer.finish()
    return count


def json_schema(specs: Specs) -> dict[str, Any]:
    """What a message holds, in JSON Schema."""
    return {"type": "object", "properties": {name: _kind(spec) for name, spec in specs.items()}}


def _kind(spec: ArraySpec) -> dict[str, Any]:
    scalar = {"type": "boolean" if spec.dtype == "bool" else "number"}
    for _ in spec.shape:
        scalar = {"type": "array", "items": scalar}  # type: ignore[dict-item]  # JSON nests
    return {
        **scalar,
        "description": " ".join(filter(None, (spec.doc, f"[{spec.unit}]" if spec.unit else ""))),
    }


def _plain(value: Any) -> Any:
    array = np.asarray(value)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return _without_nan(array.tolist())
    return array.tolist()


def _without_nan(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_nan(one) for one in value]
    return value if math.isfinite(value) else None
