"""Somebody else's program on the same network: Cyclone DDS and the message definitions of ROS 2, nothing of ours.

Told what to do by JSON lines on standard input, each answered by {"done": ...}; what it hears comes as
{"heard": topic, "at": unix seconds, "fields": {...}}, and whose node is there as {"node": name}.
"""

import dataclasses
import json
import queue
import sys
import threading
import time
from dataclasses import dataclass

from cyclonedds.core import InstanceState, ReadCondition, SampleState, ViewState, WaitSet
from cyclonedds.domain import DomainParticipant
from cyclonedds.idl import IdlStruct
from cyclonedds.idl.types import array, bounded_str, float64, int32, sequence, uint8, uint32
from cyclonedds.pub import DataWriter
from cyclonedds.qos import Policy, Qos
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic
from cyclonedds.util import duration

# Written from https://docs.ros.org: each .msg file as a struct.


@dataclass
class Time(IdlStruct, typename="builtin_interfaces.msg.dds_.Time_"):
    sec: int32
    nanosec: uint32


@dataclass
class Header(IdlStruct, typename="std_msgs.msg.dds_.Header_"):
    stamp: Time
    frame_id: str


@dataclass
class Bool(IdlStruct, typename="std_msgs.msg.dds_.Bool_"):
    data: bool


@dataclass
class String(IdlStruct, typename="std_msgs.msg.dds_.String_"):
    data: str


@dataclass
class Vector3(IdlStruct, typename="geometry_msgs.msg.dds_.Vector3_"):
    x: float64
    y: float64
    z: float64


@dataclass
class Quaternion(IdlStruct, typename="geometry_msgs.msg.dds_.Quaternion_"):
    x: float64
    y: float64
    z: float64
    w: float64


@dataclass
class Twist(IdlStruct, typename="geometry_msgs.msg.dds_.Twist_"):
    linear: Vector3
    angular: Vector3


@dataclass
class TwistStamped(IdlStruct, typename="geometry_msgs.msg.dds_.TwistStamped_"):
    header: Header
    twist: Twist


@dataclass
class JointState(IdlStruct, typename="sensor_msgs.msg.dds_.JointState_"):
    header: Header
    name: sequence[str]
    position: sequence[float64]
    velocity: sequence[float64]
    effort: sequence[float64]


@dataclass
class Imu(IdlStruct, typename="sensor_msgs.msg.dds_.Imu_"):
    header: Header
    orientation: Quaternion
    orientation_covariance: array[float64, 9]
    angular_velocity: Vector3
    angular_velocity_covariance: array[float64, 9]
    linear_acceleration: Vector3
    linear_acceleration_covariance: array[float64, 9]


@dataclass
class KeyValue(IdlStruct, typename="diagnostic_msgs.msg.dds_.KeyValue_"):
    key: str
    value: str


@dataclass
class DiagnosticStatus(IdlStruct, typename="diagnostic_msgs.msg.dds_.DiagnosticStatus_"):
    level: uint8
    name: str
    message: str
    hardware_id: str
    values: sequence[KeyValue]


@dataclass
class DiagnosticArray(IdlStruct, typename="diagnostic_msgs.msg.dds_.DiagnosticArray_"):
    header: Header
    status: sequence[DiagnosticStatus]


@dataclass
class Gid(IdlStruct, typename="rmw_dds_common.msg.dds_.Gid_"):
    data: array[uint8, 16]


@dataclass
class NodeEntitiesInfo(IdlStruct, typename="rmw_dds_common.msg.dds_.NodeEntitiesInfo_"):
    node_namespace: bounded_str[256]
    node_name: bounded_str[256]
    reader_gid_seq: sequence[Gid]
    writer_gid_seq: sequence[Gid]


@dataclass
class ParticipantEntitiesInfo(IdlStruct, typename="rmw_dds_common.msg.dds_.ParticipantEntitiesInfo_"):
    gid: Gid
    node_entities_info_seq: sequence[NodeEntitiesInfo]


TYPES = {
    "std_msgs/msg/Bool": Bool,
    "std_msgs/msg/String": String,
    "geometry_msgs/msg/TwistStamped": TwistStamped,
    "sensor_msgs/msg/JointState": JointState,
    "sensor_msgs/msg/Imu": Imu,
    "diagnostic_msgs/msg/DiagnosticArray": DiagnosticArray,
}
ANYTHING = ViewState.Any | SampleState.NotRead | InstanceState.Any


def qos(reliable, latched, depth=200):
    kept = Policy.History.KeepLast(depth)
    return Qos(
        Policy.Reliability.Reliable(duration(seconds=1)) if reliable else Policy.Reliability.BestEffort,
        Policy.Durability.TransientLocal if latched else Policy.Durability.Volatile,
        kept,
        *([Policy.DurabilityService(0, kept, -1, -1, -1)] if latched else []),
    )


class Lab:
    def __init__(self, domain):
        self.participant = DomainParticipant(domain)
        self.about = Topic(self.participant, "ros_discovery_info", ParticipantEntitiesInfo)
        self.topics = {}
        self.orders = queue.Queue()
        self.reset()

    def reset(self):
        self.waiting, self.readers, self.writers = WaitSet(self.participant), [], {}
        self._listen(None, DataReader(self.participant, self.about, qos(True, True)))

    def topic(self, name, kind):
        if name not in self.topics:
            self.topics[name] = Topic(self.participant, f"rt{name}", TYPES[kind])
        return self.topics[name]

    def _listen(self, name, reader):
        condition = ReadCondition(reader, ANYTHING)
        self.waiting.attach(condition)
        self.readers.append((name, reader, condition))

    def order(self, do, topic="", kind="", reliable=True, latched=False, fields=None, times=1):
        if do == "hear":
            reader = DataReader(self.participant, self.topic(topic, kind), qos(reliable, latched))
            self._listen(topic, reader)
        elif do == "open":
            self.writers[topic] = DataWriter(
                self.participant, self.topic(topic, kind), qos(reliable, latched, 1)
            )
        elif do == "say":
            writer = self.writers[topic]
            for _ in range(times):
                writer.write(writer.topic.data_type(**fields))
        elif do == "reset":
            self.reset()

    def run(self):
        while True:
            while not self.orders.empty():
                order = self.orders.get()
                self.order(**order)
                tell({"done": order["do"], "at": time.time()})
            self.waiting.wait(duration(milliseconds=5))
            for name, reader, condition in self.readers:
                for sample in reader.take(100, condition=condition):
                    if not sample.sample_info.valid_data:
                        continue
                    if name is None:
                        for node in sample.node_entities_info_seq:
                            ends = len(node.reader_gid_seq), len(node.writer_gid_seq)
                            tell({"node": node.node_name, "namespace": node.node_namespace, "ends": ends})
                    else:
                        tell({"heard": name, "at": time.time(), "fields": dataclasses.asdict(sample)})


def tell(what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main():
    lab = Lab(int(sys.argv[1]))

    def read():
        for line in sys.stdin:
            lab.orders.put(json.loads(line))

    threading.Thread(target=read, daemon=True).start()
    tell({"done": "start"})
    lab.run()


if __name__ == "__main__":
    main()
