"""The A1 stand-in learns to roll over, stand up and walk, on two CPU cores."""

from dataclasses import replace

from daydreamer.agents.dreamer import config as dreamer
from daydreamer.envs.tasks.walk import WalkConfig
from daydreamer.envs.tasks.walk_reward import WalkRewardConfig
from daydreamer.presets.preset import Preset
from daydreamer.runtime.actor import ActorConfig
from daydreamer.runtime.learner import LearnerConfig

# Legs and speed earn less when the body leans by more than 18 degrees, and speed nothing from 22 to 38 degrees on, by
# how bent the legs are; one that walks leans by less. Without that some learn to push themselves along on their nose.
# Calves and speed earn less when the trunk is lower than 0.18 m, and nothing below 0.12, where it lies; one that walks
# is higher. Without that some learn to crawl on their belly, legs nearly as if they stood.
# Rewards are 5 on the back, 9 standing, 14 walking: (r - 5) / 10 fits them into [0, 1], and a fresh critic,
# which says 0 everywhere, is right about the back from the start.
# It explores until it stands; then less and less, because the noise topples it: replay holds 7.5 a step when most of
# the newest stand, 10.5 some minutes after it has begun to walk.
# One that walks falls no more and forgets how to get up: from 12 on, a random action, held for a second twice a minute,
# topples it. Earlier that would only keep it from standing.
# Targets stay away from the ends of joints: robots that rolled over their legs slammed into them, random actions, too.
# What an upright robot's tilt and turning vary by is so little that the model left them out of its state, and robots
# that had stood up toppled: gravity is worth a hundred times its squared error, 1 degree of tilt.
# One gradient step for every row, and as good as one for each of the random ones: robot time is what is scarce. A core
# needs longer for a step than the robot for a row: the stand-in waits.
PRESET = Preset(
    name="a1-sim",
    doc="Unitree A1 in PyBullet: from lying on its back, roll over, stand up, walk",
    robot="a1-sim",
    task=WalkConfig(
        action_low=(0.15, 0.08, 0.06),
        action_high=(0.85, 0.90, 0.60),
        reward=WalkRewardConfig(level=(0.4, 0.95), height=(0.12, 0.18)),
    ),
    agent=replace(
        dreamer.cpu(reward_offset=5.0, reward_scale=10.0),
        recon={"gravity": 100.0, "gyro": 20.0, "joint_pos": 10.0, "joint_vel": 5.0},
        actor=dreamer.ActorConfig(final_entropy_target=0.15, anneal=(7.5, 10.5)),
    ),
    actor=ActorConfig(babble=0.03, babble_above=12.0),
    learner=LearnerConfig(train_ratio=512, pretrain=1000),
)
