"""Views: the ways in which a fused frame can be shown, one file each."""
