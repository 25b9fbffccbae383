"""Episodes on disk: contract, format, storage, reading, and what is done with them.

Importing this package imports nothing heavy: `contract` and `storage.staging` need only
numpy; `storage.publish` and `reading` need TensorFlow Datasets.
"""
