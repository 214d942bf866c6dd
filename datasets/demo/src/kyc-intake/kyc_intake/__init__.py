"""Takes identity documents for the know-your-customer check."""
