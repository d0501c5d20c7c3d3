"""From labelled images to a model package, as a SageMaker training job or on one machine."""
