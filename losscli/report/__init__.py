"""Results as tables, and the formats that print them."""
