"""``python -m pedagogy_r1`` is ``pcode``."""

from .cli.main import main

main()
