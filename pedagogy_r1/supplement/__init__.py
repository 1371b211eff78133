"""What goes with a paper: a study in one file, and whether the paper's numbers come out of it again."""
