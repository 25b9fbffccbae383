"""The trained policy moves the robot: `python act.py RUN`."""

import sys

from robot import Robot

import wtl

run = sys.argv[1]
demos = wtl.load_dataset(f"{run}/datasets/wtl_demos", "test")
policy = wtl.load_policy(f"{run}/policies/mil")
policy.reset(demos=[demos[0]])
robot = Robot(seed=1000)
for _ in range(len(demos[0])):
    robot.move(policy.act(robot.observe()))
print(f"{demos[0].metadata['instruction']}: the hand is at {robot.hand.round(2)}")
