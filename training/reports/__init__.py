"""What people read about a model, and the package that holds it."""
