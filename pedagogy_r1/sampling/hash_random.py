"""Random numbers that are hashes: of a seed, what they are for, and an id.

    chance(0, "trace", "aime-3")    0.7311…     always, wherever

The same seed draws the same from the same traces in any order of the file, on any machine, with any version of any library.
"""

from __future__ import annotations

from hashlib import blake2b


def chance(seed: int, purpose: str, key: str = "") -> float:
    """A number in [0, 1), uniform over seeds, purposes and keys."""
    text = f"{seed}\0{purpose}\0{key}".encode("utf-8", "surrogatepass")
    return (int.from_bytes(blake2b(text, digest_size=8).digest()) >> 11) / 2**53
