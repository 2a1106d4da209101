"""What holds between columns in every row: rules, how they are found and stated, and how rows keep them."""
