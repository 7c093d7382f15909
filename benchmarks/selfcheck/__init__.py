"""What somebody with the hardware runs once: every part in order, with a report to send back."""
