"""The folded description weighs, balances and reaches the same as PyBullet's own."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from robots.a1 import model
from robots.robot import RobotError
from robots.sim import urdf

TWO_LINKS = """
<robot name="dumbbell">
  <link name="bar">
    <inertial><mass value="1"/><inertia ixx="0" ixy="0" ixz="0" iyy="0" iyz="0" izz="0"/></inertial>
  </link>
  <joint name="weld" type="fixed">
    <origin xyz="0 0 0.4" rpy="{rpy}"/><parent link="bar"/><child link="end"/>
  </joint>
  <link name="end">
    <inertial><mass value="3"/><inertia ixx="0" ixy="0" ixz="0" iyy="0" iyz="0" izz="0"/></inertial>
    <collision><geometry><sphere radius="0.1"/></geometry></collision>
  </link>
</robot>
"""


def write(folder, rpy="0 0 0"):
    path = folder / "two.urdf"
    path.write_text(TWO_LINKS.format(rpy=rpy))
    return path


def test_two_point_masses_fold_into_one_body(tmp_path):
    robot = ElementTree.fromstring(urdf.description(write(tmp_path)))
    (link,) = robot.findall("link")
    assert robot.find("joint") is None
    # 1 kg at 0 and 3 kg at 0.4 m balance at 0.3 m and turn with 1 x 0.3^2 + 3 x 0.1^2 = 0.12 kg m^2.
    assert link.find("inertial/mass").get("value") == "4.0"
    np.testing.assert_allclose(
        [float(v) for v in link.find("inertial/origin").get("xyz").split()], [0, 0, 0.3]
    )
    inertia = {key: float(value) for key, value in link.find("inertial/inertia").attrib.items()}
    assert inertia == pytest.approx({"ixx": 0.12, "iyy": 0.12, "izz": 0, "ixy": 0, "ixz": 0, "iyz": 0})
    assert link.find("collision/origin").get("xyz") == "0.0 0.0 0.4"


def test_a_turned_link_is_refused(tmp_path):
    with pytest.raises(RobotError, match="turned"):
        urdf.description(write(tmp_path, rpy="0 1.57 0"))


def centre_of_mass(bullet, robot, client) -> tuple[float, np.ndarray]:
    total, moment = 0.0, np.zeros(3)
    for link in range(-1, bullet.getNumJoints(robot, client)):
        mass = bullet.getDynamicsInfo(robot, link, physicsClientId=client)[0]
        if link < 0:
            centre = bullet.getBasePositionAndOrientation(robot, client)[0]
        else:
            centre = bullet.getLinkState(robot, link, False, True, client)[0]
        total += mass
        moment += mass * np.array(centre)
    return total, moment / total


def test_the_a1_keeps_its_mass_and_balance(tmp_path):
    bullet = pytest.importorskip("pybullet")
    data = pytest.importorskip("pybullet_data")
    original = f"{data.getDataPath()}/a1/a1.urdf"
    folded = tmp_path / "a1.urdf"
    folded.write_text(urdf.description(Path(original)))
    client = bullet.connect(bullet.DIRECT)
    try:
        seen = []
        for path in (original, str(folded)):
            robot = bullet.loadURDF(path, flags=bullet.URDF_USE_INERTIA_FROM_FILE, physicsClientId=client)
            turning = [
                joint
                for joint in range(bullet.getNumJoints(robot, client))
                if bullet.getJointInfo(robot, joint, client)[2] == bullet.JOINT_REVOLUTE
            ]
            assert len(turning) == 12
            for joint, angle in zip(turning, np.tile(model.LEG_STAND, 4), strict=True):
                bullet.resetJointState(robot, joint, angle, physicsClientId=client)
            # Measured from the first hip, because PyBullet places the trunk by its centre of mass.
            mass, centre = centre_of_mass(bullet, robot, client)
            hip = np.array(bullet.getLinkState(robot, turning[0], False, True, client)[4])
            seen.append((mass, centre - hip, bullet.getNumJoints(robot, client)))
    finally:
        bullet.disconnect(client)
    (mass, centre, links), (folded_mass, folded_centre, folded_links) = seen
    assert folded_mass == pytest.approx(mass)
    np.testing.assert_allclose(folded_centre, centre, atol=1e-3)
    assert (links, folded_links) == (21, 12)
