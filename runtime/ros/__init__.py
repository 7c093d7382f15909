"""Messages, images and bags of ROS, read and written without ROS."""
