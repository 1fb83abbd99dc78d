"""Networks, losses and device-side augmentation."""
