"""What every part of training uses: types of arrays, calibration, facts as JSON, pieces of Markdown."""
