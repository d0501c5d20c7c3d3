"""Amazon SageMaker on one machine: jobs and endpoints run as processes in the training environment."""
