"""Coders, one file each. A plugin exposes ``coder(context, **options) -> Coder`` (`pedagogy_r1.coding`).

The folder is the registry (`pedagogy_r1.plugins`): ``cues`` and ``llm`` live here; other distributions add
theirs through the entry-point group ``pedagogy_r1.coding.coders``.
"""
