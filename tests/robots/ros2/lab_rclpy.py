"""The lab over rclpy, with the same orders and answers as ``lab.py``; each of its ends is a node of our back end."""

import json
import queue
import sys
import threading
import time

from robots.ros2.back_end import NodeConfig, open_back_end
from robots.ros2.topics import Qos, Topic


def tell(what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main():
    orders, readers, writers = queue.Queue(), [], {}

    def read():
        for line in sys.stdin:
            orders.put(json.loads(line))

    def obey(do, topic="", kind="", reliable=True, latched=False, fields=None, times=1):
        end = Topic(topic, kind, Qos(reliable, latched, 200 if do == "hear" else 1)) if kind else None
        if do == "hear":
            readers.append(open_back_end("rclpy", NodeConfig("lab_reader", (), (end,))))
        elif do == "open":
            writers[topic] = (end, open_back_end("rclpy", NodeConfig("lab_writer", (end,), ())))
        elif do == "say":
            end, node = writers[topic]
            for _ in range(times):
                node.publish(end, fields, 0.0)
        elif do == "reset":
            for node in (*readers, *(node for _, node in writers.values())):
                node.close()
            readers.clear()
            writers.clear()

    threading.Thread(target=read, daemon=True).start()
    tell({"done": "start"})
    while True:
        while not orders.empty():
            order = orders.get()
            obey(**order)
            tell({"done": order["do"], "at": time.time()})
        for node in readers:
            for heard in node.take(0.005):
                tell({"heard": heard.topic.name, "at": time.time(), "fields": heard.message})
        if not readers:
            time.sleep(0.005)


if __name__ == "__main__":
    main()
