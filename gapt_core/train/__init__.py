"""Training: corpora, batches, the maximum-likelihood loop."""
