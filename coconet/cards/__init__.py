"""Cards: what a model or an engine says about itself."""
