"""Where items come from, one source a file. A plugin exposes ``source(files, **options) -> SourceResult``."""
