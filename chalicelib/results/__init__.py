"""The result of each image: its document, and the table that lists them."""
