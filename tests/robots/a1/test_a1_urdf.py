"""The URDF for ROS tools is the robot of ``robots.a1.model``."""

import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

from robots.a1 import model, urdf
from robots.a1.kinematics import foot_positions


@pytest.fixture(scope="module")
def robot():
    return ElementTree.fromstring(urdf.description().encode())


def test_links_and_joints_have_the_vendors_names(robot):
    links = {link.attrib["name"] for link in robot.findall("link")}
    legs = {f"{leg}_{part}" for leg in model.LEGS for part in ("hip", "thigh", "calf", "foot")}
    assert links == {"base_link", "trunk", "imu_link"} | legs
    moving = [joint.attrib["name"] for joint in robot.findall("joint") if joint.attrib["type"] == "revolute"]
    assert tuple(moving) == urdf.JOINTS
    assert urdf.JOINTS[:3] == ("FR_hip_joint", "FR_thigh_joint", "FR_calf_joint")


def test_it_is_one_tree_from_base_link(robot):
    parents = {
        joint.find("child").attrib["link"]: joint.find("parent").attrib["link"]
        for joint in robot.findall("joint")
    }
    links = {link.attrib["name"] for link in robot.findall("link")}
    assert links - parents.keys() == {"base_link"}
    assert set(parents.values()) <= links


def test_limits_are_the_models(robot):
    info = model.info(simulated=False)
    for number, name in enumerate(urdf.JOINTS):
        limit = robot.find(f"joint[@name='{name}']/limit").attrib
        assert float(limit["lower"]) == info.joint_lower[number]
        assert float(limit["upper"]) == info.joint_upper[number]
        assert (float(limit["effort"]), float(limit["velocity"])) == (33.5, 21.0)


def test_its_feet_are_where_our_kinematics_put_them(tmp_path):
    bullet = pytest.importorskip("pybullet")
    path = tmp_path / "a1.urdf"
    path.write_text(urdf.description())
    client = bullet.connect(bullet.DIRECT)
    try:
        body = bullet.loadURDF(str(path), useFixedBase=True, physicsClientId=client)
        joints = {
            bullet.getJointInfo(body, index, physicsClientId=client)[1].decode(): index
            for index in range(bullet.getNumJoints(body, physicsClientId=client))
        }
        info = model.info(simulated=False)
        for q in np.random.default_rng(0).uniform(info.joint_lower, info.joint_upper, (5, 12)):
            for name, angle in zip(urdf.JOINTS, q, strict=True):
                bullet.resetJointState(body, joints[name], angle, physicsClientId=client)
            # Entries 4: the link's frame in the world; base_link stands at the origin.
            feet = [
                bullet.getLinkState(
                    body, joints[f"{leg}_foot_fixed"], computeForwardKinematics=True, physicsClientId=client
                )[4]
                for leg in model.LEGS
            ]
            np.testing.assert_allclose(feet, foot_positions(q), atol=1e-5)
    finally:
        bullet.disconnect(client)


def test_it_is_a_command():
    done = subprocess.run(
        [sys.executable, "-m", "robots.a1.urdf"], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == urdf.description()
