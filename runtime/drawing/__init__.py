"""Drawing: the renderer of looks, and what it writes over pictures: text, the overlay, and the colour bar."""
