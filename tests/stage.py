"""The stage of tests within one process."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
BUCKET = "negatoscope-test-data-000000000000"
TABLE = "negatoscope-test-results"
RETRAININGS_TABLE = "negatoscope-test-retrainings"
EXPORT_ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:negatoscope-test-export"
BATCH_ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:negatoscope-test-batch"
RETRAINING_ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:negatoscope-test-retrain"
