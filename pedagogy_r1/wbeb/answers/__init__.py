"""Reading what a model answered: an option, a number, a word, a probability; and the trace that is made of it."""
