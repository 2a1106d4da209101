"""Records of the runs that are looked at: samples of their models, and the real records next to fakes."""
