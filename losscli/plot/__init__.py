"""Pictures: what they show, as numbers and words, and the backends that draw them."""
