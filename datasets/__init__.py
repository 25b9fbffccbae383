"""Episodes on disk: one schema, one durable writer, one reader, one verifier.

Importing this package imports nothing heavy; import the module you need:
`episode` and `staging` need only numpy, `publish` and `reader` TensorFlow Datasets.

The name shadows the Hugging Face package of the same name where both are
importable, so nothing in this project may depend on that one.
"""
