"""The command line: parse, call, print. One file a command; the folder is the registry."""
