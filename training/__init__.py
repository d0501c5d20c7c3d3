"""From labelled images to a model package; runs as a SageMaker training job and on one machine alike."""
