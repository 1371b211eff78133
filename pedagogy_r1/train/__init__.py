"""From benchmark items to trained students: distill, filter, SFT, and recipes that run the whole of it."""
