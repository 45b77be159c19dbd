"""One module per kind of channel; each has ``send``, and those that can be asked have ``find``."""
