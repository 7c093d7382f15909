"""Naming: how folders and pictures of each side are called."""
