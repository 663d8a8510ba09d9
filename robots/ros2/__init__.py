"""ROS 2 without ROS 2: what is said and heard on which topic, as plain data, and back ends that carry it."""
