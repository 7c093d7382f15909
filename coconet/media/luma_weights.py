"""How much blue, green and red weigh in luma: a fact of cards, which are read without any pixels."""

from __future__ import annotations

BGR_WEIGHTS = (0.114, 0.587, 0.299)
"""The shares of full-range B, G and R in luma, by BT.601: the one luma of networks, cameras, metrics and cards."""
