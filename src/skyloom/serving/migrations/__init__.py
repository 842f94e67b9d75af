"""How the store came to its tables, one step a file."""
