"""The node of ROS 2, and what of it needs no ROS."""
