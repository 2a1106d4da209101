"""The live page of `gankit watch`: it reads run folders and models, and starts trainings as processes of their own.

Knows run folders and models; never training's inside. A training does not know of it and never waits for it.
"""
