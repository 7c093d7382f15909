"""The ways to hardware that codes video: GStreamer, and the kernel's own."""
