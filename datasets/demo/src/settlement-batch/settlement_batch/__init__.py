"""Nightly settlement files for the card schemes."""
