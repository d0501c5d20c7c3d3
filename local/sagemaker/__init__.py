"""Amazon SageMaker on this machine: jobs and endpoints run as processes in the training environment."""
