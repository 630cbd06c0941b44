"""The corpus: annotated documents, example rows, splits, checks, agreement."""
