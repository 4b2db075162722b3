"""One file a command of the `csl` program."""
