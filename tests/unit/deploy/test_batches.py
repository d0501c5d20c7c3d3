"""The stack of the batches: its parameters, and names that the foundation stack says before it exists."""

from deploy import batches, stages
from tests.cloud import BATCHES, FOUNDATION, template
from tests.stage import BUCKET, RETRAINING_ARN, TABLE

OUTPUTS = {
    "DataBucket": BUCKET,
    "DataKeyArn": "arn:aws:kms:us-east-1:123456789012:key/data",
    "ResultsTable": TABLE,
    "RetrainingsTable": "retrainings",
    "RetrainingArn": RETRAINING_ARN,
}


def test_parameters_are_those_of_the_template() -> None:
    parameters = batches.parameters("test", OUTPUTS)

    assert parameters.keys() == template(BATCHES)["Parameters"].keys()
    assert str(parameters["Definition"]).startswith("code/batch-")


def test_names_are_those_that_other_stacks_and_settings_say() -> None:
    resources = template(BATCHES)["Resources"]
    role = resources["BatchRole"]["Properties"]["RoleName"]
    outputs = OUTPUTS | dict.fromkeys(stages.ROLES.values(), "arn:aws:iam::123456789012:role/api")
    found = stages.settings("test", outputs)["stages"]["test"]["lambda_functions"]["batch"]
    assert found == {"iam_role_arn": f"arn:aws:iam::123456789012:role/{role.replace('${Stage}', 'test')}"}
    machine = resources["StateMachine"]["Properties"]["StateMachineName"].replace("${Stage}", "test")
    assert stages.own_environment("test", OUTPUTS)["BATCH_ARN"].endswith(f":stateMachine:{machine}")


def test_attached_policies_name_roles_of_the_foundation() -> None:
    roles = {
        one["Properties"]["RoleName"]
        for one in template(FOUNDATION)["Resources"].values()
        if one["Type"] == "AWS::IAM::Role"
    }
    (attached,) = template(BATCHES)["Resources"]["ApiPolicy"]["Properties"]["Roles"]
    assert attached in roles
