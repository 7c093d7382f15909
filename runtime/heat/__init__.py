"""Temperatures: from raw counts to degrees, and the meters that read them."""
