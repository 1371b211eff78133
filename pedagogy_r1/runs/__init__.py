"""Run directories: the codings of one coder or several, with what they were made from."""
