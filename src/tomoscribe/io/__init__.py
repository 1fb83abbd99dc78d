"""Files of this field, read into arrays and small dataclasses; nothing else knows a format."""
