"""The simulated table-top world: gripper, hand, props, buttons, five task families."""
