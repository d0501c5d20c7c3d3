"""What is compared: each module is a program that answers for files, in the environment that it needs."""
