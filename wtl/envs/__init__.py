"""The simulated table-top world: a gripper, props, buttons and five task families."""
