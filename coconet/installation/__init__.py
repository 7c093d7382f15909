"""What is installed, from where, and what installs the rest."""
