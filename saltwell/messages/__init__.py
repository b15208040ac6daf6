"""The ROS 2 messages Saltwell carries: read and written byte for byte."""
