"""Local pages in a browser: read traces with their codes, code, adjudicate, train. Nothing is fetched from elsewhere."""
