"""Networks that come with the toolkit, each with its model card."""
