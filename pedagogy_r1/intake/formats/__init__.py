"""One file a format of other people's traces: a real record, how it is recognised, and what it says (`intake/format.py`)."""
