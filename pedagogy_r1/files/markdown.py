r"""Text from anybody in a Markdown file: it is shown as it is, on one line, and means nothing to Markdown.

# 1. *so* <b>   →   \# 1. \*so\* \<b\>
"""

from __future__ import annotations

import re

from .archive import legal

_SIGNS = re.compile(r"([\\`*_\[\]<>#|~&$^@{}])|(?<=\w)(:)(?=//)|(?<=\bwww)(\.)")
_AT_START = re.compile(r"^(\d*)([-+=:.)!])")


def markdown_text(text: str) -> str:
    r"""The text with a backslash before what Markdown reads: signs, links, and what begins a list, a rule or a heading.

    White space becomes single spaces, since line ends and indents mean something too.

    >>> markdown_text("- a_b\n\n1. http://x"), markdown_text("12) so")
    ('\\- a\\_b 1. http\\://x', '12\\) so')
    """
    text = " ".join(legal(text).split())
    return _AT_START.sub(r"\1\\\2", _SIGNS.sub(r"\\\g<0>", text))
