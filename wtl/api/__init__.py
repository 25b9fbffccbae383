"""Functions that `import wtl` offers; each module is imported when first used."""
