"""Workers of a batch: processes of this machine, or actors of Ray."""
