"""The game in slow motion: one GAN on numbers or pairs of them, moved a step at a time, and as a script of its own."""
