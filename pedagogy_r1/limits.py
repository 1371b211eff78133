"""Every threshold by which something is called too few, too low or too extreme, each with what it rests on.

    4 traces       fewer than `FEWEST_CLUSTERS`: no interval, of α, noise shares, code frequencies or corrected shares

A threshold stands here when crossing it changes a sentence or an interval. Limits of one file format, or of what a table
shows, stand where they are used.
"""

from __future__ import annotations

LEVEL = 0.95
LEAST_LEVEL, MOST_LEVEL = 0.5, 0.9999
"""Confidence level of every interval, unless ``--level`` says otherwise, and between what that may be: below, an interval would
miss more often than it holds; above, 1,000 resamples cannot tell. By custom; nothing rests on it."""

FEW_CLUSTERS = 40
"""Effective traces (items, students; (Σm)²/Σm²) under which an interval by percentiles of resampled ones is called too narrow.

``benchmarks/coverage_intervals.py``, column *percentiles*: of α they cover .94–.95 from 40 equal traces on, .92 with 20, .86
with 6, and of 14 lognormal ones .89. One number for all statistics, so that 25 traces are never few for one and enough for another.
"""

FEWEST_CLUSTERS = 5
FEWEST_EFFECTIVE = 2.0
"""Traces (items, students), and effective ones ((Σm)²/Σm²), under which no interval over them is given.

``benchmarks/coverage_intervals.py``: from 6 traces on the intervals cover .93 to .975; with 2 or 3 any interval covered .5 to
.7. Below 2 effective ones the jackknife's t has less than one degree of freedom. A code's share that rests on fewer than 5 effective
traces with the code (or without it) has the interval of counts: the jackknife's there covers up to .99 and is up to twice as wide
(``benchmarks/coverage_contrast.py``).
"""

RARE = 0.05
FEWEST_FOR_RARE = 30
"""Share of all values under which what is not the commonest one is rare, so that α is skewed over traces; and the traces from
which on its interval (of studentised resamples) holds.

``benchmarks/coverage_intervals.py``: of a 3 % code the jackknife covers .83 to .93 with up to 20 traces and studentised
resamples .93 to .95 with 42. From so many effective traces with the rare value on the jackknife holds again.
"""

MOST_UNDEFINED = 0.5
"""Share of the resamples without a value above which there is no interval: what is left is no longer the statistic's
distribution but that of the data for which it is defined. By custom; nothing was simulated."""

UNLIKE, UNLIKE_PAIRED = 1.5, 3.0
"""How many times more shares vary over the traces of one side of a comparison than over those of the other (median over codes),
from which on relabelling alone no longer tests it: where traces are permuted, and where all items are on both sides.

``benchmarks/coverage_contrast.py``: where 6 variable traces stand against 30 steady ones, none shared, max-T alone finds a difference
in 14 to 20 % of the studies that have none, with Holm's t tests from here on in 1 to 3 %; where 14 items are paired, max-T alone in up to
7 %. The price is power: where both sides vary alike the median still is above 1.5 in a quarter of studies with equal traces and in half of
those with unequal ones.
"""

FEW_HITS = 5
"""Clusters in which a code was seen at all, under which its share says that it rests on few.

Of n clusters h = 5 hits leave a relative standard error of about 1/√5 = 45 %.
"""

FEW_EXPECTED = 5.0
"""Expected transitions in a cell, under which its z is called rough: Cochran's rule (1954, *Biometrics* 10)."""

ALPHA_TENTATIVE = 0.667
ALPHA_RELIABLE = 0.800
"""Krippendorff's customary limits (2004, *Content Analysis*, p. 241): below .667 discard, from .800 rely on it. They rest on
what wrong conclusions cost, not on a simulation."""

FEW_CODED = 100
FEW_CODED_TRACES = 15
FEW_WITH_CODE = 10
EXTREME_WEIGHT = 0.1
"""Human-coded units, their effective traces, and those of them that have (or lack) the code, under which corrected shares say on
how little they rest; and the share of all weight that one unit may carry. The intervals hold below the first three
(``benchmarks/coverage_few_coded.py``); they are wide.
"""

UNEQUAL, UNEQUAL_SHARE = 1.8, 0.5
"""What unequal traces add to the variance of a corrected share, and of a plain one: (g/K − 1)/√g times this, g traces of which K
count ((Σm)²/Σm²); see `estimate.unequal`.

``benchmarks/coverage_few_coded.py``: where long traces have the code more often and the machine errs more in them, intervals of
DSL cover .88 to .92 without it. ``benchmarks/coverage_intervals.py``: where long traces are noisier, those of noise shares cover .92
to .94 without it (12,000 runs a design) and .935 to .95 with it, where length tells nothing .945 to .97.
"""

SAYS_NOTHING, SAYS_NOTHING_TIMES = 0.5, 100.0
"""Width of a share's interval, and ratio of an odds ratio's limits, from which on no corrected figure is to be reported: "0 to
65 %" leaves everything open. By custom. It costs coverage: ``benchmarks/coverage_few_coded.py``, of the figures that are narrow enough .925
hold with 6 to 20 coded traces of which the longer are harder, of all .942 to .966; under 60 points it would be .93."""

MORE_THAN_CHANCE = 0.01
"""Two-sided p of the paired difference of two corrected estimates under which the inclusion probabilities are doubted, and the
sentence says so: "in 99 of 100 samples". By custom."""

FEW_SHARED, FEW_SHARED_TRACES = 30, 5
"""Units that coders share, and their traces, under which the report's answer says that α cannot tell yet how far they agree: an
interval over so few traces is too wide to tell, or there is none (`FEWEST_CLUSTERS`)."""

FEW_WEIGHED = 500
"""Units coded by people under which a weighted panel says that it may be worse than its best coder. ``benchmarks/panel.py``, six coders,
four sets, other items: with 100 units it was below whoever was best there on three sets, by up to .029 of α, with 400 or 700 on two, by up
to .013; out of fold over all 790 to 2,550 units it was below on none by more than .006. By custom."""

ICC = 0.1
"""How much units of one trace are taken to resemble each other (intraclass correlation) where nothing was measured: in the plan of a
sample, and of a machine's errors where whole traces are drawn actively. By custom; the plan says it, and ``--icc`` or a pilot replaces it
there."""

FEW_PRACTISED = 30
"""Units coded in practice under which α is said to say little, whatever it is. By custom; nothing rests on it."""

WHOLE_TRACE = 0.95
"""Share of a trace's units from which on it counts as coded whole. By custom; nothing was simulated."""

DEEPEST_YAML, MOST_YAML_VALUES, MOST_YAML_CHARACTERS = 50, 250_000, 8_000_000
"""Of a codebook, recipe or condition: how deep it may be nested, and how much may be in it, aliases counted as often as they stand.

The largest shipped file is six deep and has 4,800 values and 94,000 characters. PyYAML makes about 500 bytes of each value; nothing
else rests on these.
"""

MOST_STAGES, MOST_RECIPE_CHARACTERS = 10_000, 20_000_000
"""Stages of all variants of a recipe together, and characters of their commands, `A_VALUE` more for each value: what is beyond
would not be laid out within a minute or in memory. The largest shipped recipe has 30 stages and 60,000 characters; by custom."""
MOST_COUNT, MOST_AT_ONCE, MOST_RESAMPLES, MOST_CODES = 10**8, 10_000, 10**6, 1000
"""What a count on the command line, and so in a recipe, may be at most: of anything; of what is held all at once (answers an item,
coders, requests in flight, processes, shards, layers); of resamples and relabellings; and codes a unit. Far above any use and below what
would not be laid out in memory: a slip of three digits is an error that names the option. By custom."""
A_VALUE = 50

MOST_GATHERED = 2_000_000
"""Codings of runs over a corpus from which on agreement, frequencies, transitions, noise and reports are added up shard by shard, instead of
gathering all in memory (some 60 bytes a coding); what is made from single units is then refused or left out in words
(`runs/gathering.py`). Both give the same numbers (tested to 1e-12); by custom."""

MOST_CHANGED = 0.2
LEAST_FOLLOWED = ALPHA_RELIABLE
MOST_OBEYED, LEAST_LEGAL, LEAST_RECALLED, FEWEST_STRESSED = 0.05, 0.99, 0.9, 10
"""Of `pcode codebook stress`: the share of codes that may change where nothing but order or labels did; that has to follow a changed
definition or exclusion; that may obey an instruction within a trace; that has to be of the codebook; of definitions that have to be found
again; and units (or questions) under which nothing is said.

α = 1 − D_o/D_e and D_e ≤ 1: a coder of whose codes more than a fifth change with the order has α < .800 with itself, whatever the
codes. The other side is the same limit, on what followed. In a swap a scripted coder that ignores definitions stands at .00 to .04, one
that reads them and errs on 2 % of units at .93 to .99 (``benchmarks/stress_codebook.py``, 20 seeds each). The last four are by custom.
"""
