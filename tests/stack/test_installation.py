"""One command puts a stage into an account, and one takes it away.

What the emulator cannot show: caching and compression at the edge, the version of TLS, signatures of
CloudFront's own requests to S3, and the minutes that a distribution takes.
"""

import json
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from chalicelib.models.archive import pack, package_files
from deploy import model_file
from deploy.page import security_headers
from local.account import REGION, root_client
from tests.alarms import alarms
from tests.browser import samples
from tests.browser.app_page import AppPage
from tests.browser.chromium import ChromiumNotFound, find_chromium, launched
from tests.images import grey_file
from tests.models import write_package
from tests.stack import retraining_driver
from tests.stack.client import PATIENCE, TASK, Client, send, wait_for
from tests.stack.https_proxy import https_proxy
from tests.stack.installation import BUCKET, PREFIX, SITE_BUCKET, STAGE, Installation, inventory
from tests.stack.retraining_driver import TINY, put_images
from tests.stack.sagemaker_harness import IMAGE, INFERENCE, ROLE, SageMakerHarness, archive
from tests.stack.senders import Senders
from tests.stage import ROOT

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None, reason="the emulator's CloudFront runs functions with node"
)
OTHER = f"{PREFIX}2"
"""The prefix of another stage's names."""
FIREWALL = "arn:aws:wafv2:us-east-1:000000000000:global/webacl/demo/1"
FILES = f"{PREFIX}-files"
"""The CloudFront function."""


@dataclass
class Story:
    """The deployment of the stage, in an account where a name of its site was taken."""

    before: set[str]
    failed: CompletedProcess[str]
    apis: list[str]
    done: CompletedProcess[str]


@pytest.fixture(scope="module")
def installation(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(client, tmp_path_factory.mktemp("installation") / "project")
    yield installation
    if f"stack {PREFIX}-foundation" in inventory(client):
        installation.destroy("--images", "delete", "--confirm", STAGE)


@pytest.fixture(scope="module")
def story(client: Client, harness: SageMakerHarness, installation: Installation) -> Story:
    before, edge = inventory(client), client.aws("cloudfront")
    taken = edge.create_function(
        Name=FILES,
        FunctionConfig={"Comment": "", "Runtime": "cloudfront-js-2.0"},
        FunctionCode=b"function handler(event) { return event.request; }",
    )
    failed = installation.deploy("--alarm-email", "physicist@example.org")
    edge.delete_function(Name=FILES, IfMatch=taken["ETag"])
    apis = installation.apis()
    installation.record.unlink()  # as if Chalice had failed, which notes nothing then
    return Story(before, failed, apis, installation.deploy("--budget", "200", "--firewall", FIREWALL))


def json_of(installation: Installation, path: str) -> Any:
    answer = installation.visit("GET", path, Authorization=installation.token)
    assert answer.status == 200, answer.body
    return answer.json


# -------------------------------------------------------------------------------------------- deploying


def test_failed_deployment_is_reported_and_can_be_resumed(story: Story, installation: Installation) -> None:
    assert story.failed.returncode == 1
    assert f"{FILES} already exists" in story.failed.stderr
    assert "It ended in step 11 of 14: Page, with CloudFront" in story.failed.stderr
    assert "Alarms" in story.failed.stderr.partition("Not begun: ")[2]

    assert story.done.returncode == 0, story.done.stderr
    assert f"Page: {installation.origin}/" in story.done.stdout
    assert "Alarms are sent to physicist@example.org once" in story.done.stdout
    assert len(story.apis) == 1
    assert story.apis == installation.apis(), "the API that was not recorded"


def test_origin_of_the_page_reaches_the_foundation(
    story: Story, client: Client, installation: Installation
) -> None:
    (rule,) = client.s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"]
    assert (rule["AllowedOrigins"], rule["AllowedMethods"]) == ([installation.origin], ["GET", "POST"])


def test_alarm_address_is_kept_between_deployments(story: Story, client: Client) -> None:
    """The second command does not name it."""
    sns = client.aws("sns")
    (topic,) = [
        one["TopicArn"] for one in sns.list_topics()["Topics"] if f"{PREFIX}-alarms" in one["TopicArn"]
    ]
    (found,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (found["Protocol"], found["Endpoint"]) == ("email", "physicist@example.org")


def test_every_alarm_exists_and_notifies_the_topic(story: Story, client: Client) -> None:
    pages = client.aws("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{PREFIX}-")
    found = {alarm["AlarmName"]: alarm for page in pages for alarm in page["MetricAlarms"]}
    assert found.keys() == {f"{PREFIX}-{alarm.name}" for alarm in alarms()}
    assert {len(alarm["AlarmActions"]) for alarm in found.values()} == {1}


def test_diff_shows_what_would_change_and_leaves_nothing(
    story: Story, client: Client, installation: Installation
) -> None:
    module = installation.folder / "chalicelib" / "__init__.py"
    texts = {module: module.read_text(), installation.page: installation.page.read_text()}
    for path, text in texts.items():
        path.write_text(text + "\n")

    shown = installation.run(
        *(sys.executable, "-m", "deploy.diff", STAGE),
        *("--alarm-email", "nurse@example.org", "--serving", f"{TASK}=serverless"),
    )

    for path, text in texts.items():
        path.write_text(text)
    assert shown.returncode == 0, shown.stderr
    lines = [line.strip() for line in shown.stdout.splitlines()]
    assert f"{PREFIX}-foundation: changed" in lines
    assert any(line.startswith("~ AWS::SNS::Subscription AlarmSubscription: Endpoint") for line in lines)
    assert any(re.fullmatch("budget: 200 .* -> 200 .*, nurse@example.org is told", line) for line in lines)
    assert any(line.endswith("changed files: 1 (chalicelib/__init__.py)") for line in lines)
    assert f'~ SERVING not set -> {{"{TASK}": "serverless"}}' in lines
    assert "~ /index.html" in lines
    assert lines[-1] == "Nothing has been changed."
    cloudformation = client.aws("cloudformation")
    for stack in ("foundation", "batches", "retraining", "site", "alarms"):
        assert cloudformation.list_change_sets(StackName=f"{PREFIX}-{stack}")["Summaries"] == []


def test_dashboard_and_alarms_watch_what_exists(
    story: Story, client: Client, installation: Installation
) -> None:
    """CloudWatch accepts any name, and shows nothing then."""
    cloudwatch, aws = client.aws("cloudwatch"), client.aws
    body = json.loads(cloudwatch.get_dashboard(DashboardName=PREFIX)["DashboardBody"])
    lines = [line for widget in body["widgets"] for line in widget["properties"]["metrics"]]
    names = [[part for part in line[2:] if isinstance(part, str)] for line in lines]
    watched = {pair for one in names for pair in zip(one[::2], one[1::2], strict=True)}
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{PREFIX}-")
    for alarm in (alarm for page in pages for alarm in page["MetricAlarms"]):
        watched |= {(one["Name"], one["Value"]) for one in alarm["Dimensions"]}

    tables = [f"{PREFIX}-{name}" for name in ("results", "retrainings")]
    described = [aws("dynamodb").describe_table(TableName=name)["Table"] for name in tables]
    (api,) = installation.apis()
    machines = [
        one
        for one in aws("stepfunctions").list_state_machines()["stateMachines"]
        if not one["name"].endswith("-export")  # who started an export sees that it has failed
    ]
    functions = client.functions.list_functions()["Functions"]
    queue = aws("sqs").get_queue_url(QueueName=f"{PREFIX}-lost-events")["QueueUrl"]
    assert watched == {
        ("stage", STAGE),
        ("ApiName", aws("apigateway").get_rest_api(restApiId=api)["name"]),
        ("Stage", aws("apigateway").get_stages(restApiId=api)["item"][0]["stageName"]),
        ("QueueName", queue.rpartition("/")[2]),
        *(("FunctionName", one["FunctionName"]) for one in functions if is_own(one["FunctionName"])),
        *(("StateMachineArn", one["stateMachineArn"]) for one in machines if is_own(one["name"])),
        *(("TableName", name) for name in tables),
        *(
            ("GlobalSecondaryIndexName", index["IndexName"])
            for table in described
            for index in table["GlobalSecondaryIndexes"]
        ),
    }


def is_own(name: str) -> bool:
    """Whether this is a name of the stage."""
    return name == PREFIX or name.startswith(f"{PREFIX}-")


def test_budget_exists(story: Story, client: Client) -> None:
    budgets = client.aws("budgets")
    account = client.aws("sts").get_caller_identity()["Account"]
    budget = budgets.describe_budget(AccountId=account, BudgetName=PREFIX)["Budget"]
    assert (budget["TimeUnit"], float(budget["BudgetLimit"]["Amount"])) == ("MONTHLY", 200)
    told = budgets.describe_notifications_for_budget(AccountId=account, BudgetName=PREFIX)["Notifications"]
    assert {one["NotificationType"] for one in told} == {"ACTUAL", "FORECASTED"}


def test_distribution_asks_the_firewall(story: Story, client: Client, installation: Installation) -> None:
    distribution = installation.outputs("site")["DistributionId"]
    found = client.aws("cloudfront").get_distribution_config(Id=distribution)["DistributionConfig"]
    assert found["WebACLId"] == FIREWALL


# ---------------------------------------------------------------------------------------- page and API


@pytest.mark.parametrize("path", ["/", "/index.html", "/?from=mail", "/a/place/within"])
def test_page_is_served_at_every_path(story: Story, installation: Installation, path: str) -> None:
    answer = installation.visit("GET", path)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.body == (ROOT / "frontend" / "index.html").read_bytes()


def test_files_of_the_page(story: Story, installation: Installation) -> None:
    module = installation.visit("GET", "/modules/app.js")
    assert (module.status, module.body) == (200, (ROOT / "frontend" / "modules" / "app.js").read_bytes())
    assert module.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert "max-age=0, must-revalidate" in module.headers["Cache-Control"]
    again = installation.visit("GET", "/modules/app.js", If_None_Match=module.headers["ETag"])
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/modules/none.js", "/template.yaml", "/../config.json", "/index.html/x.js"]
)
def test_other_files_are_not_served(story: Story, installation: Installation, path: str) -> None:
    """S3 answers 403, since the distribution may not list the bucket."""
    assert installation.visit("GET", path).status == 403


def test_page_can_only_be_read(story: Story, installation: Installation) -> None:
    assert installation.visit("POST", "/", b"x").status == 403


@pytest.mark.parametrize("path", ["/", "/modules/none.js", "/api/health", "/api/no-such-route"])
def test_security_headers_are_those_of_the_local_page(
    story: Story, installation: Installation, path: str
) -> None:
    headers = installation.visit("GET", path).headers
    expected = security_headers(installation.client.stack.aws_url)
    assert {name: headers[name] for name in expected} == expected
    assert headers["Strict-Transport-Security"].startswith("max-age=")


def test_plain_http_is_redirected_or_refused(story: Story, installation: Installation) -> None:
    page = installation.visit("GET", "/", X_Forwarded_Proto="http")
    api = installation.visit("GET", "/api/health", X_Forwarded_Proto="http")
    assert (page.status, page.headers["Location"][:8]) == (301, "https://")
    assert api.status == 403


def test_only_cloudfront_reads_the_files(story: Story, client: Client, installation: Installation) -> None:
    policy = json.loads(client.s3.get_bucket_policy(Bucket=SITE_BUCKET)["Policy"])
    (allowed,) = [statement for statement in policy["Statement"] if statement["Effect"] == "Allow"]
    distribution = installation.outputs("site")["DistributionId"]
    assert allowed["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    source = allowed["Condition"]["StringEquals"]["aws:SourceArn"]
    assert source == f"arn:aws:cloudfront::000000000000:distribution/{distribution}"
    closed = client.s3.get_public_access_block(Bucket=SITE_BUCKET)["PublicAccessBlockConfiguration"]
    assert set(closed.values()) == {True}


def test_errors_of_the_api_are_not_replaced(story: Story, installation: Installation) -> None:
    assert json_of(installation, "/api/stage")["stage"] == STAGE
    for path, status in (("/api/tasks", 401), ("/api/no-such-route", 404)):
        answer = installation.visit("GET", path)
        assert (answer.status, set(answer.json)) == (status, {"code", "message", "request_id"}), path
    unknown = installation.visit("GET", "/api/results/none", Authorization=installation.token)
    assert (unknown.status, unknown.json["code"]) == (404, "UnknownResult")


def test_image_is_classified(story: Story, installation: Installation) -> None:
    image = grey_file("PNG", 120, 80)
    answer = installation.visit(
        "POST",
        f"/api/tasks/{TASK}/classify",
        image,
        Authorization=installation.token,
        Content_Type="image/png",
    )
    assert (answer.status, answer.json["status"]) == (200, "classified"), answer.body
    preview = f"/api/results/{answer.json['id']}/preview"
    shown = installation.visit("GET", preview, Authorization=installation.token, Accept="image/png")
    assert shown.body[:4] == b"\x89PNG"
    listed = json_of(installation, f"/api/results?task={TASK}&limit=1")
    assert [result["id"] for result in listed["results"]] == [answer.json["id"]]


def test_image_is_uploaded(story: Story, installation: Installation) -> None:
    image = grey_file("PNG", 130, 90)
    request = json.dumps({"task": TASK, "filename": "a.png", "size": len(image), "content_type": "image/png"})
    ticket = installation.visit(
        "POST",
        "/api/uploads",
        request.encode(),
        Authorization=installation.token,
        Content_Type="application/json",
    ).json

    assert installation.client.post_form(ticket["upload"], image).status == 204

    def finished() -> Any:
        result = json_of(installation, f"/api/results/{ticket['id']}")
        return None if result["status"] == "received" else result

    assert wait_for(finished)["status"] == "classified"


def test_people_sign_in_upload_and_retrain(
    story: Story, client: Client, installation: Installation, tmp_path: Path
) -> None:
    try:
        find_chromium()
    except ChromiumNotFound as reason:
        pytest.skip(str(reason))
    put_images(client.s3, BUCKET)
    domain = urlsplit(installation.origin).netloc
    with (
        https_proxy(domain, client.stack.emulator_port, tmp_path) as flags,
        launched(*flags) as browser,
    ):
        app = AppPage(browser.new_page(), installation.origin)
        app.page.goto(f"{installation.origin}/#/tasks/{TASK}")
        app.sign_in(*installation.new_user("admin"))
        assert app.page.url.startswith(f"{installation.origin}/#")

        app.drop(samples.jpeg(), samples.dicom(), samples.truncated_jpeg())
        app.wait_for_queue()
        expect(app.page.locator("#queue-summary")).to_have_text(
            "3 of 3 done · 1 not usable", timeout=1000 * PATIENCE
        )
        app.classify(samples.jpeg())

        app.retrain(retraining_driver.TASK.name, TINY, approval=False)
        expect(app.sheet.locator(".verdict.good")).to_contain_text(
            "classifies from now on", timeout=1000 * retraining_driver.PATIENCE
        )
        assert app.mistakes == []


def test_api_answers_only_through_the_distribution(story: Story, installation: Installation) -> None:
    (api,) = installation.apis()
    host = f"{api}.execute-api.localhost:{installation.client.stack.emulator_port}"
    for path, headers in (
        ("/api/health", {}),
        ("/api/tasks", {"Authorization": installation.token}),
        ("/api/tasks", {"Authorization": installation.token, "X_Api_Key": "guessed"}),
    ):
        direct = send(installation.client.stack.emulator_port, "GET", path, None, Host=host, **headers)
        assert (direct.status, direct.json["code"]) == (403, "Forbidden"), path
        assert "Send the request to the address of the page" in direct.json["message"]
        # A key that the viewer sends is replaced by the distribution's.
        assert installation.visit("GET", path, None, **headers).status == 200


def test_failed_events_are_kept_in_a_queue(story: Story, client: Client) -> None:
    sqs = client.aws("sqs")
    queue = sqs.get_queue_url(QueueName=f"{PREFIX}-lost-events")["QueueUrl"]
    client.functions.invoke(
        FunctionName=f"{PREFIX}-prepare", InvocationType="Event", Payload=b'{"Records": [1]}'
    )

    (message,) = wait_for(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"))

    assert json.loads(message["Body"])["requestPayload"] == {"Records": [1]}


def test_imported_model_is_deployed_and_classifies(
    story: Story, client: Client, installation: Installation, tmp_path: Path
) -> None:
    version = "2026.01.01-imported"
    packed = pack(package_files(write_package(tmp_path / "package", version=version)))
    decision = {"accepted": True, "reasons": ["It was better."]}
    file = tmp_path / "model.tar"
    file.write_bytes(model_file.write(TASK, version, packed, {"decision": decision}, "test"))
    command = (sys.executable, "-m", "deploy.promotion")

    imported = installation.run(*command, "import", "--to", STAGE, "--file", str(file))
    assert imported.returncode == 0, imported.stderr
    refused = installation.run(*command, "promote", TASK, "--to", STAGE, "--version", version)
    assert "accuracy is 0.990, below 0.992" in refused.stderr
    promote = (*command, "promote", TASK, "--to", STAGE, "--version", version, "--ignore-gate")
    promoted = installation.run(*promote)
    assert promoted.returncode == 0, promoted.stderr

    listed = json_of(installation, f"/api/tasks/{TASK}/models")["models"]
    (current,) = [model for model in listed if model["status"] == "current"]
    assert (current["version"], current["source"]["stage"]) == (version, "test")
    answer = wait_for(lambda: classified_by(installation, version))
    assert "weak-model" in [reason["code"] for reason in answer["reasons"]]


def classified_by(installation: Installation, version: str) -> Any:
    """The answer for an image, once this version of the model gives it."""
    headers = {"Authorization": installation.token, "Content_Type": "image/png"}
    path, image = f"/api/tasks/{TASK}/classify?store=false", grey_file("PNG", 120, 80)
    answer = installation.visit("POST", path, image, **headers).json
    return answer if answer["model"]["version"] == version else None


# ---------------------------------------------------------------------------------------- another time


def test_new_version_of_the_page_keeps_the_previous_one(
    story: Story, client: Client, installation: Installation
) -> None:
    """Also: the page may have a domain."""
    (api,), page, versions = installation.apis(), installation.page, []
    certificate = "arn:aws:acm:us-east-1:000000000000:certificate/1"
    for text, domain in (("<p>2</p>", ""), ("<p>3</p>", f"domain='a.example', certificate={certificate!r}")):
        page.write_text(text)
        behind = f"website.Api({api!r}, gateway.current_key({STAGE!r}, {api!r}).value)"
        arguments = f"{STAGE!r}, {behind}, {BUCKET!r}, None, {domain}"
        installation.step(f"from deploy import gateway, website; website.deploy({arguments})")
        assert installation.visit("GET", "/").body == text.encode()
        keys = [one["Key"] for one in client.s3.list_objects_v2(Bucket=SITE_BUCKET)["Contents"]]
        versions.append({key.partition("/")[0] for key in keys})

    assert [len(names) for names in versions] == [2, 2]
    assert len(versions[0] & versions[1]) == 1
    outputs = installation.outputs("site")
    distribution = client.aws("cloudfront").get_distribution_config(Id=outputs["DistributionId"])
    viewers = distribution["DistributionConfig"]["ViewerCertificate"]
    assert outputs["SiteOrigin"] == "https://a.example"
    assert (viewers["ACMCertificateArn"], viewers["MinimumProtocolVersion"]) == (certificate, "TLSv1.2_2021")


def test_new_code_is_deployed_while_images_flow(
    story: Story, client: Client, installation: Installation
) -> None:
    version = installation.folder / "chalicelib" / "__init__.py"
    version.write_text(version.read_text().replace('VERSION = "', 'VERSION = "9.'))
    config = installation.folder / ".chalice" / "config.json"
    config.write_text(config.read_text().replace('"LOG_LEVEL": "INFO"', '"LOG_LEVEL": "DEBUG"'))
    before = statuses(client)

    with Senders(client, installation) as senders:
        wait_for(lambda: senders.uploaded and senders.dropped)
        deployed = installation.deploy()
        sent = len(senders.uploaded)
        wait_for(lambda: len(senders.uploaded) > sent)

    assert deployed.returncode == 0, deployed.stderr
    assert json_of(installation, "/api/stage")["version"].startswith("9.")
    assert len(installation.apis()) == 1
    settings = client.functions.get_function_configuration(FunctionName=f"{PREFIX}-prepare")
    assert settings["Environment"]["Variables"]["LOG_LEVEL"] == "DEBUG"
    # None is lost, and none has two results.
    expected = len(senders.uploaded) + len(senders.dropped)
    new = wait_for(lambda: finished(statuses(client), before, expected))
    assert new.keys() >= senders.uploaded
    assert (len(new), set(new.values())) == (expected, {"classified"})


def statuses(client: Client) -> dict[str, str]:
    """The status of every image in the stage's table, by id."""
    pages = client.aws("dynamodb").get_paginator("scan").paginate(TableName=f"{PREFIX}-results")
    return {item["id"]["S"]: item["status"]["S"] for page in pages for item in page["Items"]}


def finished(now: dict[str, str], before: dict[str, str], expected: int) -> dict[str, str] | None:
    """The new images, once there are enough and all have a result."""
    new = {image: status for image, status in now.items() if image not in before}
    return new if len(new) >= expected and "received" not in new.values() else None


# ------------------------------------------------------------------------------------------ destroying


def retrained(harness: SageMakerHarness, name: str) -> None:
    """Create what a retraining leaves on SageMaker: a registered version and an endpoint that serves it."""
    packed = harness.put(f"{name}.tar.gz", archive({"name.txt": name, "code/inference.py": INFERENCE}))
    container, sagemaker = {"Image": IMAGE, "ModelDataUrl": packed}, harness.sagemaker
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    accepted = {"SupportedContentTypes": ["image/png"], "SupportedResponseMIMETypes": ["application/json"]}
    sagemaker.create_model_package(
        ModelPackageGroupName=name, InferenceSpecification={"Containers": [container], **accepted}
    )
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[
            {
                "VariantName": "AllTraffic",
                "ModelName": name,
                "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 1},
            }
        ],
    )
    if not name.startswith(OTHER):
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)


def forget(harness: SageMakerHarness, name: str) -> None:
    """Delete the resources of another stage."""
    found = harness.sagemaker.list_model_packages(ModelPackageGroupName=name)["ModelPackageSummaryList"]
    for package in found:
        harness.sagemaker.delete_model_package(ModelPackageName=package["ModelPackageArn"])
    harness.sagemaker.delete_model_package_group(ModelPackageGroupName=name)
    harness.sagemaker.delete_endpoint_config(EndpointConfigName=name)
    harness.sagemaker.delete_model(ModelName=name)


def test_stage_of_another_region_leaves_nothing_and_touches_no_other_stage(
    story: Story, client: Client, installation: Installation
) -> None:
    """All its stacks, without the code, whose deployment takes long. Names of roles hold in all regions."""
    abroad, stage = "eu-central-1", "abroad"
    before = {region: inventory(client, region) for region in (REGION, abroad)}
    code = f"outputs = foundation.deploy({stage!r}); stages.record({stage!r}, outputs)"
    code += "".join(f"; {part}.deploy({stage!r}, outputs)" for part in ("retraining", "alarms"))
    installation.step(f"from deploy import alarms, foundation, retraining, stages; {code}", abroad)
    new = inventory(client, abroad) - before[abroad]
    assert {f"stack negatoscope-{stage}-{name}" for name in ("foundation", "retraining", "alarms")} <= new

    destroy = (sys.executable, "-m", "deploy.destroy", stage, "--images", "delete", "--confirm", stage)
    refused = installation.run(*destroy)
    assert f"The stage {stage} is in account 000000000000, region {abroad}" in refused.stderr
    cloudformation = root_client("cloudformation", client.stack.aws_url, region_name=abroad)
    own = f"negatoscope-{stage}-data-events"
    cloudformation.create_stack(
        StackName=own, TemplateBody='{"Resources": {"Trail": {"Type": "AWS::SNS::Topic"}}}'
    )
    destroyed = installation.run(*destroy, region=abroad)

    assert f"aws cloudformation delete-stack --region {abroad} --stack-name {own}" in destroyed.stdout
    assert "No resources of the stage remain." in destroyed.stdout, destroyed.stderr
    cloudformation.delete_stack(StackName=own)
    assert {region: inventory(client, region) for region in before} == before


def test_destroy_keeps_the_images_unless_confirmed(
    story: Story, client: Client, harness: SageMakerHarness, installation: Installation
) -> None:
    """Also: other stages keep their resources, and a stage finds its data again."""
    for name in (f"{PREFIX}-{TASK}", f"{OTHER}-{TASK}"):
        retrained(harness, name)
    key = installation.outputs("foundation")["DataKeyArn"]
    client.s3.put_object(Bucket=BUCKET, Key="datasets/kept", Body=b"kept")

    for _ in range(2):  # it is safe to repeat
        destroyed = installation.destroy()
        assert destroyed.returncode == 0, destroyed.stderr
        left = inventory(client) - story.before
        assert left == {
            f"alias alias/{PREFIX}-data",
            f"bucket {BUCKET}",
            *(f"{kind} {OTHER}-{TASK}" for kind in ("endpoint configuration", "group of models", "model")),
            f"key {key.rpartition('/')[2]}",
            f"log {PREFIX}-access",
            f"stack {PREFIX}-foundation",
            f"table {PREFIX}-results",
            f"table {PREFIX}-retrainings",
        }
    assert f"s3://{BUCKET}" in destroyed.stdout
    assert "$1 a month" in destroyed.stdout
    forget(harness, f"{OTHER}-{TASK}")

    installation.step(f"from deploy import foundation; foundation.deploy({STAGE!r})")
    assert installation.outputs("foundation")["DataKeyArn"] == key
    assert client.s3.get_object(Bucket=BUCKET, Key="datasets/kept")["Body"].read() == b"kept"

    destroyed = installation.destroy("--images", "delete", "--confirm", STAGE)
    assert destroyed.returncode == 0, destroyed.stderr
    assert inventory(client) == story.before
    again = installation.destroy("--images", "delete", "--confirm", STAGE)
    assert "No resources of the stage remain." in again.stdout, again.stderr
