"""WBEB, the Well-balanced Educational Benchmark: items, five domains, conditions, answers and scores."""
