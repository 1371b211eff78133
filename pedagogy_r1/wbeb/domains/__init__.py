"""The domains, one file each; what a file says of its domain is listed in `wbeb.domain`."""
