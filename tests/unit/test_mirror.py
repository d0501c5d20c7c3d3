"""Each module with behaviour has a test file of its name, or the table says which file tests it.

`own_tests` says where: the tests of the module `segments` of `chalicelib.imaging.jpeg`, for example, are in
tests/unit/imaging/jpeg/test_segments.py.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stage import ROOT

PACKAGES = ("benchmarks", "chalicelib", "deploy", "local", "statemachine", "training")

TESTED_BY: dict[str, tuple[str, ...]] = {
    # They run the application through all of its parts.
    "tests/functional/test_api.py": (
        "chalicelib/dependencies",
        "chalicelib/routes/owners",
        "chalicelib/routes/results",
        "chalicelib/routes/retrainings",
        "chalicelib/routes/stage",
        "chalicelib/routes/tasks",
        "chalicelib/routes/uploads",
    ),
    "tests/functional/test_exports.py": ("chalicelib/routes/exports",),
    "tests/functional/test_batches.py": ("chalicelib/routes/batches",),
    "tests/functional/test_openapi.py": ("chalicelib/api/schemas", "deploy/openapi"),
    "tests/unit/deploy/test_promotion.py": ("deploy/stage_access",),
    "tests/unit/batches/test_report.py": ("chalicelib/batches/locations",),
    "tests/unit/batches/test_recording.py": (
        "chalicelib/batches/answered",
        "chalicelib/batches/transform_folder",
    ),
    "tests/unit/batches/test_part.py": ("chalicelib/batches/outcome",),
    "tests/unit/deploy/test_preflight.py": ("deploy/finding", "deploy/quotas"),
    "tests/unit/retraining/test_stopper.py": ("chalicelib/retraining/jobs",),
    "tests/unit/results/test_list_reader.py": ("chalicelib/results/place",),
    "tests/unit/test_docs.py": ("deploy/reference",),
    "tests/unit/deploy/test_costs.py": ("deploy/cost", "deploy/cost_reference", "deploy/usage"),
    "tests/unit/test_docs_complete.py": ("deploy/hyperparameter_reference",),
    "tests/unit/deploy/test_licences.py": ("deploy/components",),
    # They compare the program with others, or fake its library.
    "tests/unit/benchmarks/test_contestants.py": ("benchmarks/peers/floor", "benchmarks/peers/negatoscope"),
    "tests/unit/benchmarks/test_formats.py": (
        "benchmarks/peers/plain_preparation",
        "benchmarks/peers/preparation",
    ),
    "tests/unit/benchmarks/test_handlers.py": ("benchmarks/plan",),
    "tests/unit/benchmarks/simulation/test_cloud.py": ("benchmarks/simulation/outcome",),
    "tests/unit/benchmarks/peers/test_protocol.py": ("benchmarks/peers/framing",),
    "tests/unit/benchmarks/peers/test_litert.py": (
        "benchmarks/peers/bentoml_service",
        "benchmarks/peers/keras",
    ),
    "tests/training/test_benchmarks.py": (
        "benchmarks/peers/keras_models",
        "benchmarks/training/epochs",
        "benchmarks/training/exports",
        "benchmarks/training/plots",
        "benchmarks/training/pytorch",
    ),
    # They deploy to the emulator.
    "tests/stack/test_deploy.py": ("deploy/foundation", "deploy/website"),
    "tests/stack/test_installation.py": (
        "deploy/buckets",
        "deploy/destroy",
        "deploy/retraining",
        "local/aws/cloudformation",
        "local/aws/cloudfront",
    ),
    # They use the running system.
    "tests/stack/test_access.py": ("local/aws/lambda_environment", "local/aws/transport"),
    "tests/stack/test_edge.py": (
        "local/asgi",
        "local/edge",
        "local/http_server",
        "local/page_server",
    ),
    "tests/stack/test_proxy.py": ("local/proxy",),
    "tests/stack/test_emulated_lambda.py": (
        "local/aws/lambda_bootstrap",
        "local/aws/lambda_pool",
        "local/aws/lambda_worker",
    ),
    "tests/stack/test_login.py": ("local/aws/access_log", "local/users"),
    "tests/stack/test_run.py": (
        "local/aws/emulator",
        "local/process",
        "local/run",
        "local/stack",
    ),
    "tests/stack/test_step_functions.py": ("local/aws/step_functions",),
    "tests/soak/test_soak.py": ("local/aws/retention",),
    "tests/stack/test_model_registry.py": ("local/sagemaker/registry", "local/sagemaker/tags"),
    "tests/stack/test_processing_jobs.py": ("local/sagemaker/processing_jobs",),
    "tests/stack/test_sagemaker_answers.py": (
        "local/sagemaker/compute_host",
        "local/sagemaker/errors",
        "local/sagemaker/http_api",
        "local/sagemaker/listing",
        "local/sagemaker/models",
        "local/sagemaker/resource_collection",
        "local/sagemaker/resources",
    ),
    "tests/stack/test_sagemaker_endpoints.py": (
        "local/sagemaker/cold_start",
        "local/sagemaker/endpoints",
        "local/sagemaker/fleet",
        "local/sagemaker/guardrails",
        "local/sagemaker/runtime",
        "local/sagemaker/scaling",
    ),
    "tests/stack/test_sagemaker_restart.py": (
        "local/loopback",
        "local/sagemaker/container_init",
        "local/sagemaker/job_folder",
    ),
    "tests/stack/test_training_jobs.py": (
        "local/sagemaker/checkpoints",
        "local/sagemaker/jobs",
        "local/sagemaker/logs",
        "local/sagemaker/spot_interruption",
        "local/sagemaker/training_jobs",
        "local/sagemaker/training_requests",
        "local/sagemaker/training_run",
        "local/sagemaker/training_status",
    ),
    "tests/stack/test_transform_jobs.py": ("local/sagemaker/transform_jobs",),
    "tests/stack/test_tuning_jobs.py": (
        "local/sagemaker/tuning_jobs",
        "local/sagemaker/tuning_requests",
        "local/sagemaker/tuning_run",
        "local/sagemaker/tuning_summary",
    ),
    "tests/unit/local/sagemaker/test_model_containers.py": ("local/sagemaker/model_server",),
    # The definition consists of what they make.
    "tests/unit/statemachine/test_definition.py": ("statemachine/requests", "statemachine/states"),
    # Parts of the preparation of data.
    "tests/training/test_files.py": (
        "training/data/contact_sheet",
        "training/data/findings",
        "training/data/manifest",
        "training/prepare",
    ),
    "tests/training/test_layouts.py": (
        "chalicelib/labelled_data/layouts",
        "training/data/manifest_row",
        "training/data/sources",
    ),
    "tests/training/test_listing.py": ("training/data/dataset",),
    "tests/training/test_preparation.py": (
        "training/core/hosts",
        "training/data/cleaning",
        "training/data/decoding",
        "training/data/earlier_split",
        "training/data/given_split",
        "training/data/pixels",
    ),
    "tests/training/test_split.py": ("training/data/folds", "training/data/parts"),
    # Parts of training, evaluation and their reports.
    "tests/training/test_arguments.py": ("training/options",),
    "tests/training/test_assessment.py": ("training/evaluation/answers",),
    "tests/training/test_export.py": ("training/model/graph",),
    "tests/training/test_card.py": ("training/reports/seed_results",),
    "tests/training/test_efficientnet_lite.py": ("training/model/imagenet", "training/model/network"),
    "tests/training/test_evaluate.py": (
        "training/evaluation/package_loading",
        "training/evaluation/metrics_file",
        "training/evaluation/scoring",
        "training/reports/evaluation_report",
    ),
    "tests/training/test_evaluate_candidate.py": (
        "training/evaluation/transform",
        "training/evaluation/unseen_images",
        "training/reports/decision_report",
    ),
    "tests/training/test_fitting.py": ("training/model/loop", "training/model/prediction"),
    "tests/training/test_metrics.py": ("training/core/accuracy", "training/evaluation/confusion"),
    "tests/training/test_parallel.py": ("training/model/shared_layers",),
    "tests/training/test_residual_network.py": ("training/model/classifier",),
    "tests/training/test_train.py": (
        "training/core/facts",
        "training/reports/package",
        "training/reports/predictions",
        "training/run",
        "training/steps",
    ),
    "tests/training/test_tune.py": ("training/reports/tuning_report",),
}
"""Modules without a test file of their own, by the file that tests them."""

OF_NO_MODULE = {
    "tests/unit/deploy/test_roles.py": "the roles in the templates",
    "tests/unit/deploy/test_templates.py": "the resources in the templates",
    "tests/unit/imaging/dicom/test_real_files.py": "files of real devices, through all modules",
    "tests/unit/local/aws/test_patches.py": "all patches of ministack",
    "tests/unit/models/test_bundled_models.py": "the models that the application ships",
    "tests/unit/pipeline/test_deleted_images.py": "pipeline, sweeper and purge together",
    "tests/unit/statemachine/test_paths.py": "the paths through the definition",
    "tests/unit/statemachine/test_run.py": "run.sh",
    "tests/training/test_benchmarks.py": "what benchmarks run in the environment of training",
    "tests/training/test_bundled_model.py": "the packages that training has made",
    "tests/training/test_layouts.py": "layouts and data sets, through the listing of images",
    "tests/training/test_real_data.py": "the preparation of real images",
}
"""Files of tests without a module of their name, and what they test."""

ELSEWHERE = {Path(f"{module}.py"): Path(file) for file, modules in TESTED_BY.items() for module in modules}


def has_behaviour(path: Path) -> bool:
    """Whether a module has at least one function or method."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return any(isinstance(node, functions) for node in ast.walk(ast.parse(path.read_text())))


def modules_with_behaviour(package: str) -> Iterator[Path]:
    """Their paths within the project."""
    for path in sorted((ROOT / package).rglob("*.py")):
        if has_behaviour(path):
            yield path.relative_to(ROOT)


def own_tests(module: Path) -> Path:
    """The file with the tests of a module."""
    package, *folders = module.parent.parts
    name = f"test_{module.stem}.py"
    match package:
        case "chalicelib":
            return Path("tests/unit", *folders, name)
        case "training":
            return Path("tests/training", name)
        case _:
            return Path("tests/unit", package, *folders, name)


@pytest.mark.parametrize("package", PACKAGES)
def test_module_with_behaviour_has_tests(package: str) -> None:
    missing = [
        f"{module}: write {own_tests(module)}"
        for module in modules_with_behaviour(package)
        if module not in ELSEWHERE and not (ROOT / own_tests(module)).exists()
    ]
    assert missing == []


def test_table_names_only_modules_without_tests_of_their_own() -> None:
    assert len(ELSEWHERE) == sum(map(len, TESTED_BY.values())), "a module is named twice"
    for module, file in ELSEWHERE.items():
        assert (ROOT / module).exists(), module
        assert (ROOT / file).exists(), file
        assert not (ROOT / own_tests(module)).exists(), module


def test_files_of_tests_have_the_name_of_a_module_or_a_reason() -> None:
    modules = [path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    files = {
        path.relative_to(ROOT)
        for pattern in ("unit/*/**/test_*.py", "training/test_*.py")
        for path in (ROOT / "tests").glob(pattern)
    }
    others = files - {own_tests(module) for module in modules}
    assert {path.as_posix() for path in others if path.parts[2] != "frontend"} == OF_NO_MODULE.keys()


def test_behaviour_is_any_function_or_method(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    for text, expected in (
        ("LIMIT = 3\n", False),
        ("class Shape:\n    side: int\n", False),
        ("class Shape:\n    def area(self): ...\n", True),
        ("async def main(): ...\n", True),
    ):
        module.write_text(text)
        assert has_behaviour(module) == expected
