"""Episodes: contract, format, storage, reading, sampling and exchange of datasets.

Importing this package imports nothing heavy: `contract` and `storage.staging` need only
numpy; `storage.publish` and `reading` need TensorFlow Datasets.
"""
