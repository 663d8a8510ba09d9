"""The A1 as a URDF for ROS tools, made from ``robots.a1.model``: ``python -m robots.a1.urdf [FILE]``.

Links and joints have the names of the vendor's own description: base_link, trunk, imu_link, FR_hip, FR_thigh, FR_calf,
FR_foot; FR_hip_joint, FR_thigh_joint, FR_calf_joint. Shapes are boxes, cylinders and balls, so that nothing has to be
fetched. It shows a robot; it has no masses, so it does not simulate one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np

from robots.a1 import model
from robots.robot import Array

JOINTS = tuple(f"{name}_joint" for name in model.JOINT_NAMES)  # in the order of the motors

_TRUNK = (0.267, 0.194, 0.114)  # m, x y z
_HIP_RADIUS, _HIP_WIDTH = 0.046, 0.04  # m
_THIGH_SIZE, _CALF_SIZE = (0.0245, 0.034), (0.016, 0.016)  # m, along x and y
_COLOURS = {"body": "0.15 0.15 0.17 1", "leg": "0.75 0.75 0.78 1", "foot": "0.9 0.45 0.1 1"}
_AXES = {"hip": "1 0 0", "thigh": "0 1 0", "calf": "0 1 0"}


def description() -> str:
    """The URDF text."""
    robot = Element("robot", name="a1")
    for name, rgba in _COLOURS.items():
        SubElement(SubElement(robot, "material", name=name), "color", rgba=rgba)
    SubElement(robot, "link", name="base_link")
    _shape(SubElement(robot, "link", name="trunk"), "box", "body", size=_text(_TRUNK))
    _fixed(robot, "trunk_fixed", "base_link", "trunk", np.zeros(3))
    SubElement(robot, "link", name="imu_link")
    _fixed(robot, "imu_joint", "trunk", "imu_link", np.zeros(3))
    for number, leg in enumerate(model.LEGS):
        _leg(robot, number, leg)
    ElementTree.indent(robot)
    return f'<?xml version="1.0"?>\n{ElementTree.tostring(robot, encoding="unicode")}\n'


def _leg(robot: Element, number: int, leg: str) -> None:
    side = float(model.SIDE[number])
    down = np.array([0.0, 0.0, -1.0])
    hip, thigh, calf, foot = (
        SubElement(robot, "link", name=f"{leg}_{part}") for part in ("hip", "thigh", "calf", "foot")
    )
    _shape(hip, "cylinder", "body", rpy="1.5707963 0 0", radius=str(_HIP_RADIUS), length=str(_HIP_WIDTH))
    for link, size, length in (
        (thigh, _THIGH_SIZE, model.THIGH_LENGTH),
        (calf, _CALF_SIZE, model.CALF_LENGTH),
    ):
        _shape(link, "box", "leg", xyz=0.5 * length * down, size=_text((*size, length)))
    _shape(foot, "sphere", "foot", radius=str(model.FOOT_RADIUS))
    places = {
        "hip": ("trunk", model.HIP_POSITION[number]),
        "thigh": (f"{leg}_hip", np.array([0.0, side * model.HIP_OFFSET, 0.0])),
        "calf": (f"{leg}_thigh", model.THIGH_LENGTH * down),
    }
    for index, part in enumerate(model.LEG_JOINTS):
        parent, place = places[part]
        joint = _joint(robot, f"{leg}_{part}_joint", "revolute", parent, f"{leg}_{part}", place)
        SubElement(joint, "axis", xyz=_AXES[part])
        SubElement(
            joint,
            "limit",
            lower=str(model.LEG_LOWER[index]),
            upper=str(model.LEG_UPPER[index]),
            effort=str(model.MAX_TORQUE),
            velocity=str(model.MAX_VELOCITY),
        )
    _fixed(robot, f"{leg}_foot_fixed", f"{leg}_calf", f"{leg}_foot", model.CALF_LENGTH * down)


def _shape(
    link: Element, kind: str, material: str, xyz: Array | None = None, rpy: str = "0 0 0", **size: str
) -> None:
    """What one sees of ``link``."""
    visual = SubElement(link, "visual")
    SubElement(visual, "origin", xyz=_text(np.zeros(3) if xyz is None else xyz), rpy=rpy)
    SubElement(SubElement(visual, "geometry"), kind, size)
    SubElement(visual, "material", name=material)


def _fixed(robot: Element, name: str, parent: str, child: str, place: Array) -> None:
    _joint(robot, name, "fixed", parent, child, place)


def _joint(robot: Element, name: str, kind: str, parent: str, child: str, place: Array) -> Element:
    joint = SubElement(robot, "joint", name=name, type=kind)
    SubElement(joint, "origin", xyz=_text(place), rpy="0 0 0")
    SubElement(joint, "parent", link=parent)
    SubElement(joint, "child", link=child)
    return joint


def _text(values: Array | tuple[float, ...]) -> str:
    return " ".join(f"{float(value):g}" for value in values)


def main(arguments: list[str]) -> int:
    """Write it to the file that is named, or to standard output."""
    if arguments[:1] in (["-h"], ["--help"]):
        sys.stdout.write("python -m robots.a1.urdf [FILE]: the A1's URDF, into FILE or to standard output\n")
    elif arguments:
        Path(arguments[0]).write_text(description(), encoding="utf-8")
    else:
        sys.stdout.write(description())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
