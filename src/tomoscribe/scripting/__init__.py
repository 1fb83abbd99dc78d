"""The same as docks and commands do, from scripts and notebooks; `import tomoscribe` has it."""
