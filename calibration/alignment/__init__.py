"""How the thermal picture lies on the visible one, and how much later one camera stamps."""
