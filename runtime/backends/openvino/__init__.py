"""OpenVINO: models compiled for this processor and the sizes of frames, kept, and run."""
