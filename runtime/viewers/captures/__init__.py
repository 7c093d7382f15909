"""What was kept of a run, looked at through the page."""
