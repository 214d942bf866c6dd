"""Orders and delivery addresses of Ferrypay's merchants."""
