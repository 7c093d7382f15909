"""The public Python API, as `import coconet` offers it."""
