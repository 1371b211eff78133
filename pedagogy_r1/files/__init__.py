"""Files in and out: records in every format, spreadsheets, and archives from elsewhere."""
