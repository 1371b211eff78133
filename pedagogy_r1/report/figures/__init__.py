"""Figures: drawn when asked, as SVG and PNG files and as part of the page. A kind of picture is a file here.

    Figure("alpha", "Agreement of each pair of coders …", draw)   →   alpha.svg, alpha.png        figure.py

    IA-SQ  ├──●──┤             dot_plot.py             estimates with their intervals, groups told apart by shape or panel
    TR-SP      ├───●────┤
                               heat_maps.py            square cells: what follows what, who said what
                               position_panels.py      where in the trace a code appears
                               composition_bars.py     what the reasoning of each group is made of
                               transition_graph.py     what follows what, as a network
                               trace_ribbons.py        chosen traces, coder under coder
                               specification_curve.py  whether other coders would have concluded otherwise
                               learning_figure.py      what more traces teach a learned coder

All are laid out in inches on a sheet of a column's width (`sheet.py`): every text is measured before it is placed, so that none lies on
another or outside, whatever the codes are called and however many there are.
"""
