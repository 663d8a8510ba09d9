"""The rclpy back end keeps the contract, where there is a ROS 2. The lab is a second node of the same library."""

import os
import sys
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="rclpy comes with a ROS 2 install and is not here")

from robots.ros2.back_end import open_back_end
from tests.contracts.lab_process import LabProcess, free_domain
from tests.contracts.ros2_contract import Ros2Contract

pytestmark = pytest.mark.system
LAB = Path(__file__).parent / "lab_rclpy.py"


@pytest.fixture(scope="module")
def domain():
    with pytest.MonkeyPatch.context() as patch:
        found = free_domain()
        patch.setenv("ROS_DOMAIN_ID", str(found))
        patch.setenv("ROS_LOCALHOST_ONLY", "1")
        patch.setenv("PYTHONPATH", os.pathsep.join([str(LAB.parents[3]), os.environ.get("PYTHONPATH", "")]))
        yield found


@pytest.fixture(scope="module")
def process(domain):
    made = LabProcess(domain, [sys.executable, str(LAB)])
    yield made
    made.close()


class TestRclpy(Ros2Contract):
    @pytest.fixture
    def lab(self, process):
        yield process
        process.reset()

    @pytest.fixture
    def node(self, domain):
        opened = []

        def make(config):
            opened.append(open_back_end("rclpy", config))
            return opened[-1]

        yield make
        for one in opened:
            one.close()
