"""Reading what a model answered: an option, a number, a word, a probability."""
