"""A coder that learns from coded traces: logistic regression on words and letters, then on what the neighbours seem to be.

    unit_features.py   what is seen of a unit: words, letters, opening, neighbours, place
    learned_model.py   the fitted model: probabilities of every code for every unit of a trace; its folder on disk
    coded_traces.py    what people (or machines) coded, as targets
    fit_model.py       fitting, folds over items, and predictions out of fold
    fit_coder.py       ``pcode coder fit``: the folder, with the predictions out of fold as a run
    deferral.py        when not to answer

    encoder.py         a sentence encoder on disk, and texts as its vectors
    frozen_encoder.py  one regression on the vectors of a unit and its neighbours
    fine_tuned.py      the upper layers of an encoder taught, units read where they stand
    encoded_model.py   both opinions, of the words and of the encoder, as one

Stage 1 is one logistic regression a code on sparse n-grams (one code against the rest). Stage 2 is one multinomial regression on
the log probabilities of stage 1, the probabilities of two units before and two behind, and the unit's place; it is fitted to
predictions of stage 1 out of fold, so that its probabilities are calibrated and take the order of codes into account.
"""
