"""From the name of a model to an encoder: found, checked, put on a device."""
