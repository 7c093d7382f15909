"""What becomes of colour when the brightness of a picture is fused."""
