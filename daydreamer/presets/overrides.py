"""``agent.deter=256``: one value changed inside nested frozen dataclasses, checked against its type."""

from __future__ import annotations

import difflib
import json
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from daydreamer.core.errors import DaydreamerError

T = TypeVar("T")


class BadOverride(DaydreamerError):
    """A change that names no setting, or gives it a value that does not fit."""


def override(config: T, change: str) -> T:
    """A copy of ``config`` with ``change``, 'PATH=VALUE', made to it.

    Raises:
        BadOverride: No such path (the nearest is named), or a value of another type or out of range.
    """
    path, equals, text = change.partition("=")
    if not equals:
        raise BadOverride(f"expected PATH=VALUE, as in agent.deter=256, got '{change}'")
    return typing.cast(T, _replaced(config, path.strip().split("."), text.strip(), path.strip()))


def _replaced(config: Any, path: list[str], text: str, whole: str) -> Any:
    name, *rest = path
    if isinstance(config, Mapping):  # options of a robot: free names, JSON values
        value = _replaced(config.get(name, {}), rest, text, whole) if rest else _finite(_json(text), whole)
        return {**config, name: value}
    if not is_dataclass(config):
        raise BadOverride(f"'{whole}': '{name}' cannot be a part of {config!r}, which has no parts")
    names = [field.name for field in fields(config)]
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise BadOverride(f"'{whole}': there is no '{name}' among {', '.join(names)}.{hint}")
    old = getattr(config, name)
    if rest:
        new = _replaced(old, rest, text, whole)
    elif is_dataclass(old):
        inner = ", ".join(f"{whole}.{field.name}" for field in fields(old))
        raise BadOverride(f"'{whole}' is a group of settings; set one of {inner}")
    else:
        new = _parsed(text, typing.get_type_hints(type(config))[name], whole)
    try:
        return replace(config, **{name: new})  # type: ignore[type-var]  # narrowed by is_dataclass
    except ValueError as error:
        raise BadOverride(f"'{whole}={text}': {error}") from error


def _parsed(text: str, kind: Any, whole: str) -> Any:
    """``text`` as a value of type ``kind``."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _parsed_union(text, typing.get_args(kind), whole)
    if kind is str:
        return text
    if origin is typing.Literal:
        allowed = {str(value): value for value in typing.get_args(kind)}
        if text in allowed:
            return allowed[text]
        raise BadOverride(f"'{whole}': expected one of {', '.join(allowed)}, got '{text}'")
    return _fitting(_json(text), kind, whole, text)


def _fitting(value: Any, kind: Any, whole: str, text: str) -> Any:
    """``value``, which JSON has read from ``text``, as one of type ``kind``."""
    if isinstance(value, float) and not math.isfinite(value):
        raise BadOverride(f"'{whole}': expected a finite number, got '{text}'")
    origin = typing.get_origin(kind)
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if kind in (int, bool) and type(value) is kind:
        return value
    if origin is tuple and isinstance(value, list):
        kinds = typing.get_args(kind)
        kinds = kinds[:1] * len(value) if kinds[1:] == (...,) else kinds
        if len(value) != len(kinds):
            raise BadOverride(f"'{whole}': expected {len(kinds)} values, got '{text}'")
        return tuple(_fitting(one, each, whole, text) for one, each in zip(value, kinds, strict=True))
    wanted = getattr(kind, "__name__", str(kind)) if origin is None else str(kind)
    raise BadOverride(f"'{whole}': expected a value of type {wanted}, got '{text}'")


def _parsed_union(text: str, kinds: tuple[Any, ...], whole: str) -> Any:
    if type(None) in kinds and text.lower() in ("none", "null"):
        return None
    problems = []
    for kind in kinds:
        if kind is not type(None):
            try:
                return _parsed(text, kind, whole)
            except BadOverride as error:
                problems.append(str(error))
    raise BadOverride("; ".join(problems))


def _finite(value: Any, whole: str) -> Any:
    """``value`` itself. Raises BadOverride where a number in it is none."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, float) and not math.isfinite(one):
            raise BadOverride(f"'{whole}': expected finite numbers, got {one}")
    return value


def _json(text: str) -> Any:
    """Numbers, true, false, null, lists; what is none of these is text."""
    try:
        return json.loads(text.lower() if text in ("True", "False") else text)
    except ValueError:
        return text
