"""The stand-in keeps the contract of every robot."""

from robots.sim.stand_in import StandIn
from tests.contracts.robot_contract import RobotContract


class TestStandIn(RobotContract):
    def make_robot(self):
        return StandIn()
