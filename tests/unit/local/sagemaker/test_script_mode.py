"""Hyper-parameters as arguments of a script."""

from local.sagemaker.script_mode import arguments, decode, user_parameters


def test_hyperparameters_become_arguments() -> None:
    parameters = user_parameters(
        {
            "sagemaker_program": "train.py",
            "_tuning_objective_metric": "loss",
            "rate": "0.1",
            "name": '"chest"',
            "plain": "chest x-ray",
            "sizes": "[1, 2]",
            "more": '{"b": 1, "a": 2}',
            "x": "3",
        }
    )

    assert arguments(parameters) == [
        *("--more", "a=2,b=1", "--name", "chest", "--plain", "chest x-ray"),
        *("--rate", "0.1", "--sizes", "[1, 2]", "-x", "3"),
    ]
    assert decode("{broken") == "{broken"
