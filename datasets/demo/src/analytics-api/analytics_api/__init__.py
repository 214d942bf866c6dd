"""Charts for partners, drawn from the analytics lake."""
