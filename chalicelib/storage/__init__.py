"""What S3 and DynamoDB keep, and how it is reached."""
