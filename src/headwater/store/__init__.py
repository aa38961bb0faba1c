"""Keep what was learned: the file of a model, the journal and snapshots of a durable learner, ONNX graphs.

The store knows settings and arrays. What builds a learner from them stands above it: ``headwater.load`` and
``headwater.store.durable``.
"""
