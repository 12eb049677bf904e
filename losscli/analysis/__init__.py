"""What the losses say of the data and of each other."""
