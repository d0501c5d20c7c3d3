"""A discrete-event simulation of the system: on AWS at any rate of images, and on one machine."""
