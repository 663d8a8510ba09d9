"""A module with the names and the manners of the vendor's bindings, speaking real packets to DAYDREAMER_TEST_A1.

Manners: nothing is sent before ``send_command``; ``receive_observation`` drains the socket, the last good packet
wins, and the last state is given for ever; before the first one it is all zeros.
"""

import contextlib
import os
import socket
from types import SimpleNamespace

import numpy as np

from robots.a1 import wire
from robots.a1.protocol import LowCmd, PacketError, decode_state, encode_command


class RobotInterface:
    def __init__(self):
        host, port = os.environ["DAYDREAMER_TEST_A1"].split(":")
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect((host, int(port)))
        self._socket.setblocking(False)
        motors = [
            SimpleNamespace(mode=0, q=0.0, dq=0.0, ddq=0.0, tauEst=0.0, temperature=0)
            for _ in range(wire.SLOTS)
        ]
        imu = SimpleNamespace(
            quaternion=[0.0] * 4, gyroscope=[0.0] * 3, accelerometer=[0.0] * 3, rpy=[0.0] * 3
        )
        self._state = SimpleNamespace(
            imu=imu, motorState=motors, footForce=[0] * 4, tick=0, wirelessRemote=[0] * 40
        )

    def send_command(self, motors):
        assert len(motors) == 60
        pos, kp, vel, kd, torque = np.reshape(motors, (12, 5)).T
        command = LowCmd._passive(wire.SERVO)
        for name, values in (("pos", pos), ("kp", kp), ("vel", vel), ("kd", kd), ("torque", torque)):
            getattr(command, name)[: wire.MOTORS] = values
        with contextlib.suppress(OSError):  # nobody listens
            self._socket.send(encode_command(command))

    def receive_observation(self):
        while True:
            try:
                low = decode_state(self._socket.recv(2048))
            except BlockingIOError:
                return self._state
            except (PacketError, OSError):
                continue
            self._fill(low)

    def _fill(self, low):
        state, imu = self._state, self._state.imu
        imu.quaternion, imu.gyroscope = low.quat_wxyz.tolist(), low.gyro.tolist()
        imu.accelerometer, imu.rpy = low.accel.tolist(), low.rpy.tolist()
        for slot, motor in enumerate(state.motorState):
            motor.mode, motor.temperature = int(low.mode[slot]), int(low.temperature[slot])
            motor.q, motor.dq, motor.ddq = low.pos[slot], low.vel[slot], low.acc[slot]
            motor.tauEst = low.torque[slot]
        state.footForce, state.tick = low.foot_force.astype(int).tolist(), low.tick
        state.wirelessRemote = list(low.remote)
