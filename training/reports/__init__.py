"""Reports on models, and the package that holds them."""
