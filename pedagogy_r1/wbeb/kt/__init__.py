"""Knowledge tracing: a student's sequence of steps, and the classical models a language model is compared with."""
