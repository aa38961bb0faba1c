"""Persistence of models (model files, durable stores with a journal and snapshots, ONNX graphs).

The store handles settings and arrays only. ``headwater.load`` and ``headwater.store.durable`` build learners from them.
"""
