"""Training: losses and penalties, augmentation, one step, the loop. Knows tensors, never kinds of data."""
