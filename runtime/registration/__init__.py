"""Registration: how one picture lies on the other, found by what both show."""
