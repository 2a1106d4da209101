"""Models in repositories of the Hugging Face Hub: what is uploaded, and the model card beside it."""
