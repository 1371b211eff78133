"""Which units people code, drawn so that the probability of each is known."""
