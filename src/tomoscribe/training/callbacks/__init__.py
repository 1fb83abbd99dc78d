"""What runs in the worker beside the task: one module a job; these import torch and lightning."""
