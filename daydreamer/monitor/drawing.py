"""Pictures without a screen, a browser or ffmpeg: a robot from its joints, curves, and films as GIF. Over Pillow.

Each picture is drawn larger than it is wanted and made smaller, which smooths its edges.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Size = tuple[int, int]  # pixels, width and height
Image = Any  # PIL.Image.Image; Pillow is imported where it is used
Points = NDArray[np.float64]

TRUTH, GUESS = (10, 143, 102), (209, 88, 10)  # the page's colours
_INK, _SOFT, _LINE, _SHOWN = (20, 24, 31), (84, 93, 107), (221, 225, 231), (237, 240, 244)
_LINES = ((34, 98, 214), (209, 88, 10), (10, 143, 102), (168, 53, 154), (138, 106, 0), (98, 80, 216))
_FINER = 2
_HALF_BODY = 0.055  # m
_AZIMUTH, _ELEVATION = -0.9, 0.22  # rad, where it is looked at from
_WIDTHS = (0.045, 0.036, 0.024)  # m, of a leg's three parts


def robot(legs: Points, size: Size, tint: tuple[int, int, int] = TRUTH, title: str = "") -> Image:
    """A robot on its floor.

    Args:
        legs: ``[4, 4, 3]`` m: FR, FL, RR, RL; each hip, thigh joint, knee, foot; z up, the floor at 0.
        size: Of the picture.
        tint: Of its back: how it lies is seen at once.
        title: At the top.
    """
    image, draw = _canvas(size)
    width, height = image.size
    centre = np.array([*legs[:, 0, :2].mean(0), 0.2])
    scale = min(width / 0.95, height / 0.62)
    ca, sa, ce, se = math.cos(_AZIMUTH), math.sin(_AZIMUTH), math.cos(_ELEVATION), math.sin(_ELEVATION)
    turn = np.array([[ca, sa, 0.0], [sa * se, -ca * se, -ce], [-sa * ce, ca * ce, -se]])  # right, down, deep

    def look(points: Points) -> Points:
        seen: Points = (points - centre) @ turn.T
        seen[..., :2] = np.array([width, height]) / 2 + scale * seen[..., :2]
        return seen

    for k in np.arange(-0.6, 0.61, 0.2):
        for line in ([[k, -0.6, 0], [k, 0.6, 0]], [[-0.6, k, 0], [0.6, k, 0]]):
            ends = look(np.array(line) + np.array([*centre[:2], 0.0]))
            draw.line([tuple(p[:2]) for p in ends], fill=_LINE, width=_FINER)
    parts = [(float(look(face)[:, 2].mean()), _face(look(face), fill)) for face, fill in _body(legs, tint)]
    for number, leg in enumerate(look(legs)):
        for k, thick in enumerate(_WIDTHS):
            colour = _SOFT if number % 2 else _INK
            parts.append((float(leg[k : k + 2, 2].mean()), _limb(leg[k], leg[k + 1], scale * thick, colour)))
    for _, paint in sorted(parts, key=lambda part: -part[0]):
        paint(draw)
    _write(draw, title)
    return _smaller(image, size)


def curves(truth: Points, guess: Points, size: Size, title: str = "") -> Image:
    """What came (pale, thick) and what was predicted (dark, thin), over the same steps; grey: what was shown.

    Args:
        truth: ``[T, D]``.
        guess: ``[T - context, D]``, of the last steps.
        size: Of the picture.
        title: At the top.
    """
    image, draw = _canvas(size)
    width, height = image.size
    shown = len(truth) - len(guess)
    everything = np.concatenate([truth, guess])
    low, high = float(everything.min()), float(everything.max())
    high = max(high, low + 1e-3)
    left, top, bottom = 40 * _FINER, 22 * _FINER, height - 8 * _FINER

    def place(step: int, value: float) -> tuple[float, float]:
        across = left + (width - left - 6 * _FINER) * step / max(1, len(truth) - 1)
        return across, bottom - (bottom - top) * (value - low) / (high - low)

    draw.rectangle([left, top, place(shown, low)[0], bottom], fill=_SHOWN)
    for value in (low, high):
        draw.line([(left, place(0, value)[1]), (width, place(0, value)[1])], fill=_LINE, width=_FINER)
        draw.text((2 * _FINER, place(0, value)[1] - 5 * _FINER), f"{value:.3g}", fill=_SOFT, font=_font())
    for column in range(truth.shape[1]):
        colour = _LINES[column % len(_LINES)]
        pale = tuple((part + 2 * 255) // 3 for part in colour)
        draw.line([place(k, v) for k, v in enumerate(truth[:, column])], fill=pale, width=3 * _FINER)
        draw.line([place(shown + k, v) for k, v in enumerate(guess[:, column])], fill=colour, width=_FINER)
    _write(draw, title)
    return _smaller(image, size)


def beside(images: Sequence[Image], columns: int) -> Image:
    """Pictures of one size in rows of ``columns``."""
    from PIL import Image as Pillow

    width, height = images[0].size
    whole = Pillow.new(
        "RGB", (width * min(columns, len(images)), height * -(-len(images) // columns)), "white"
    )
    for place, image in enumerate(images):
        whole.paste(image, (place % columns * width, place // columns * height))
    return whole


def png(image: Image) -> bytes:
    """``image`` as a file's bytes; in few colours, which lines and areas need no more of."""
    buffer = io.BytesIO()
    image.quantize(64).save(buffer, "PNG")
    return buffer.getvalue()


def gif(frames: Sequence[Image], fps: float) -> bytes:
    """Drawings as a film that repeats."""
    return film(frames, fps, beside([frames[0], frames[-1]], 1).quantize(24))


def film(frames: Iterable[Image], fps: float, palette: Image) -> bytes:
    """``frames`` as a GIF that repeats, in the colours of ``palette``."""
    from PIL import Image as Pillow

    # Without dithering flat areas stay flat, and pack several times smaller.
    first, *rest = (frame.quantize(palette=palette, dither=Pillow.Dither.NONE) for frame in frames)
    buffer = io.BytesIO()
    first.save(
        buffer, "GIF", save_all=True, append_images=rest, duration=round(1000 / fps), loop=0, optimize=False
    )
    return buffer.getvalue()


def from_pixels(pixels: NDArray[np.uint8]) -> Image:
    """A picture ``[H, W, C]`` of one or three channels."""
    from PIL import Image as Pillow

    colours = pixels[..., :3] if pixels.shape[-1] >= 3 else np.repeat(pixels[..., :1], 3, -1)
    return Pillow.fromarray(np.ascontiguousarray(colours))


def _body(legs: Points, tint: tuple[int, int, int]) -> list[tuple[Points, tuple[int, int, int]]]:
    """The six faces of its body, and an arrow ahead on its back."""
    fr, fl, rr, rl = legs[:, 0]
    up = np.cross(fr - rr, fl - fr)
    up /= max(float(np.linalg.norm(up)), 1e-9)
    ring = np.array([fr, fl, rl, rr])
    top, bottom = ring + _HALF_BODY * up, ring - _HALF_BODY * up
    sides = [np.array([top[k], top[(k + 1) % 4], bottom[(k + 1) % 4], bottom[k]]) for k in range(4)]
    along = [(0.62, 0.2), (0.92, 0.5), (0.62, 0.8)]
    arrow = np.array([rr + a * (fr - rr) + b * (fl - fr) + (_HALF_BODY + 0.004) * up for a, b in along])
    return [
        (top, tint), (bottom, _SHOWN), (arrow, (255, 255, 255)),
        *((side, _INK if k == 0 else _SOFT) for k, side in enumerate(sides)),
    ]  # fmt: skip


def _face(seen: Points, fill: tuple[int, int, int]) -> Any:
    return lambda draw: draw.polygon([tuple(p[:2]) for p in seen], fill=fill, outline=(255, 255, 255))


def _limb(a: Points, b: Points, width: float, fill: tuple[int, int, int]) -> Any:
    def paint(draw: Any) -> None:
        draw.line([tuple(a[:2]), tuple(b[:2])], fill=fill, width=max(2, round(width)))
        for x, y, _ in (a, b):
            draw.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], fill=fill)

    return paint


def _canvas(size: Size) -> tuple[Image, Any]:
    from PIL import Image as Pillow
    from PIL import ImageDraw

    image = Pillow.new("RGB", (size[0] * _FINER, size[1] * _FINER), "white")
    return image, ImageDraw.Draw(image)


def _smaller(image: Image, size: Size) -> Image:
    return image.resize(size, resample=3)  # bicubic


def _write(draw: Any, title: str) -> None:
    draw.text((6 * _FINER, 4 * _FINER), title, fill=_INK, font=_font())


def _font() -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(10 * _FINER)
