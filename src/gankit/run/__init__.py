"""One training: run folder, budget, checkpoints, evaluation."""
