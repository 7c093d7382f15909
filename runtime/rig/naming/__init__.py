"""How a command line names the cameras of a rig, and the rates it asks of them."""
