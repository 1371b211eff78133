"""Where items come from, one source a file. A plugin exposes ``source(files, **options) -> SourceResult``.

An option is a keyword with a default whose type is the option's. A file that is not of the format at all raises `InputError`; a
bad record is listed, not raised.
"""
