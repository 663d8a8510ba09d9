"""The Cyclone DDS back end keeps the contract, against another process that knows ROS 2's definitions alone."""

import os

import pytest

pytest.importorskip("cyclonedds", reason="cyclonedds is not installed (from a clone: pip install '.[dds]')")

from robots.ros2.back_end import open_back_end
from tests.contracts.lab_process import NETWORK, LabProcess, free_domain
from tests.contracts.ros2_contract import Ros2Contract

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def domain():
    before = {name: os.environ.get(name) for name in ("CYCLONEDDS_URI", "ROS_DOMAIN_ID")}
    found = free_domain()
    os.environ |= {"CYCLONEDDS_URI": NETWORK, "ROS_DOMAIN_ID": str(found)}
    yield found
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


@pytest.fixture(scope="module")
def process(domain):
    made = LabProcess(domain)
    yield made
    made.close()


@pytest.fixture
def lab(process):
    yield process
    process.reset()


@pytest.fixture
def node(domain):
    opened = []

    def make(config):
        opened.append(open_back_end("cyclonedds", config))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


class TestCyclone(Ros2Contract):
    @pytest.fixture
    def lab(self, lab):
        return lab

    @pytest.fixture
    def node(self, node):
        return node
