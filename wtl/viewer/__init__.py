"""A local page on which people look at datasets and mend them."""
