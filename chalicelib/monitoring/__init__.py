"""What watches a model in use."""
