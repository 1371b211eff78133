"""A folder of work that can be killed and taken up again."""
