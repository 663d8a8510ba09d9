"""What an actor's console tells, as MCAP files of ROS 2 messages that other programs open."""
