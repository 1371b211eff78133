"""Files in and out: records in every format, spreadsheets, archives from elsewhere, and locks."""
