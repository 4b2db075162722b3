"""The study: what finished runs, checkpoints and feature files say of how encoders organize images."""
