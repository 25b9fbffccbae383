"""Structure shared by worlds whose tasks refer to one of several entities."""
