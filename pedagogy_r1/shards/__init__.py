"""Work in shards: each is made by one process, moved where the results are kept, and done once it has a record there.

    engines/           what has the shards made: processes of this machine, or a Ray cluster
    shard_record.py    ``shard-0007.json``
    sharded_job.py     what is done stays, the rest is made, and what was killed goes on where it was

Codings of a corpus (`coding/annotate_corpus.py`) and answers of a model that become one (`wbeb/generate_corpus.py`) are made this way.
"""
