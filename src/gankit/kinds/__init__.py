"""The kinds of data: everything that is peculiar to one lives in its folder."""
