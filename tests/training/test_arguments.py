"""The command line, SageMaker's environment, and the precedence of settings."""

import os
from collections.abc import Callable
from inspect import signature
from pathlib import Path

import pytest

from chalicelib.errors import InvalidHyperparameters
from chalicelib.hyperparameters import Hyperparameters
from training.arguments import SMOKE, check_output, parse_arguments, read_recipe
from training.data.preparation import prepare_data
from training.data.sources import dataset_folders
from training.errors import TrainingError
from training.evaluate import main as evaluate
from training.prepare import main as prepare
from training.prepare import prepare_parser
from training.train import main as train
from training.tune import main as tune

TASK = ["--task", "mammography-views"]


@pytest.fixture(autouse=True)
def _no_sagemaker(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SM_CHANNEL_TRAIN", "SM_MODEL_DIR", "SM_OUTPUT_DATA_DIR", "NEGATOSCOPE_DATA"):
        monkeypatch.delenv(name, raising=False)


def test_default_folders_are_shared_data_and_local_training() -> None:
    arguments = parse_arguments(TASK)

    assert arguments.data == ("../shared/data/mammography-views",)
    assert arguments.model_dir == Path(".local/training/mammography-views/model")
    assert arguments.output_dir == Path(".local/training/mammography-views/output")
    assert arguments.checkpoint_dir == Path(".local/training/mammography-views/checkpoints")


def test_folders_come_from_the_sagemaker_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SM_CHANNEL_TRAIN", "/opt/ml/input/data/train")
    monkeypatch.setenv("SM_MODEL_DIR", "/opt/ml/model")
    monkeypatch.setenv("SM_OUTPUT_DATA_DIR", "/opt/ml/output/data")

    arguments = parse_arguments(TASK)

    assert arguments.data == ("/opt/ml/input/data/train",)
    assert arguments.model_dir == Path("/opt/ml/model")
    assert arguments.output_dir == Path("/opt/ml/output/data")
    assert arguments.checkpoint_dir == Path("/opt/ml/checkpoints")


def test_checkpoint_folder_is_separate_for_each_job_of_a_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SM_MODEL_DIR", "/opt/ml/model")
    folders = []
    for job in ("search-001", "search-002"):
        monkeypatch.setenv("TRAINING_JOB_NAME", job)
        folders.append(parse_arguments(TASK).checkpoint_dir)

    assert folders == [Path("/opt/ml/checkpoints/search-001"), Path("/opt/ml/checkpoints/search-002")]


def test_arguments_with_underscores_are_accepted() -> None:
    parameters = parse_arguments([*TASK, "--learning_rate", "0.01", "--batch_size", "8"]).parameters

    assert (parameters.learning_rate, parameters.batch_size) == (0.01, 8)


def test_flags_accept_an_explicit_value() -> None:
    words = [
        "--smoke",
        "True",
        "--start_from",
        "weights/network.pt",
        "--test_split",
        "given",
        "--git_commit=ab_c",
    ]
    arguments = parse_arguments([*TASK, *words])

    assert arguments.parameters.epochs == SMOKE["epochs"]
    assert arguments.start_from == "weights/network.pt"
    assert arguments.reading["test_split"] == "given"
    assert arguments.git_commit == "ab_c"


def test_reading_options_are_arguments_of_prepare_data() -> None:
    words = [
        "--data",
        "s3://bucket/images",
        "--labels",
        "s3://bucket/output.manifest",
        "--min-confidence",
        "0.8",
    ]
    arguments = parse_arguments([*TASK, *words])

    assert arguments.data == ("s3://bucket/images",)
    assert arguments.reading["labels"] == "s3://bucket/output.manifest"
    assert arguments.reading["min_confidence"] == 0.8
    known = signature(prepare_data).parameters
    assert all(name in known for name in arguments.reading)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--learning-rat", "0.1"],
            r"There is no argument '--learning-rat'\. Did you mean --learning-rate\?",
        ),
        (["--learning_rat=0.1"], r"no argument '--learning-rat=0\.1'\. Did you mean --learning-rate\?"),
        (["--xyzzy"], r"There is no argument '--xyzzy'\. --help"),
        (["unexpected"], r"There is no argument 'unexpected'\. --help"),
        (["--epochs", "many"], r"Argument --epochs: invalid int value: 'many'\. --help explains"),
        (["--epochs"], r"Argument --epochs: expected one argument"),
        (["--smoke", "yes"], "Argument --smoke: true or false, not 'yes'"),
        (["--weights", "float64"], "Argument --weights: invalid choice: 'float64'"),
        (["--min-confidence", "80"], "Argument --min-confidence: between 0 and 1, not 80"),
        *(
            ([option, ""], f"Argument {option}: the value is empty")
            for option in ("--data", "--labels", "--earlier", "--layout", "--dataset", "--start-from")
        ),
        (["--recipe", "nowhere.toml"], r"The recipe nowhere\.toml cannot be read"),
    ],
)
def test_invalid_arguments_are_rejected_in_one_line(arguments: list[str], message: str) -> None:
    with pytest.raises(TrainingError, match=message) as refusal:
        parse_arguments([*TASK, *arguments])
    assert "\n" not in str(refusal.value)


def test_task_is_required() -> None:
    with pytest.raises(TrainingError, match="The following arguments are required: --task"):
        parse_arguments([])


def test_recipe_file_sets_hyper_parameters(tmp_path: Path) -> None:
    recipe = tmp_path / "best.toml"
    recipe.write_text("[mammography-views]\ndropout = 0.35\n", encoding="utf-8")

    assert parse_arguments([*TASK, "--recipe", str(recipe)]).parameters.dropout == 0.35
    recipe.write_text("dropout = ", encoding="utf-8")
    with pytest.raises(TrainingError, match=r"best\.toml cannot be read"):
        parse_arguments([*TASK, "--recipe", str(recipe)])


def test_precedence_is_command_line_smoke_recipe_default() -> None:
    recipe = read_recipe("mammography-views")
    assert recipe["num_seeds"] not in (SMOKE["num_seeds"], Hyperparameters().num_seeds)

    assert parse_arguments(TASK).parameters.num_seeds == recipe["num_seeds"]
    assert parse_arguments([*TASK, "--smoke"]).parameters.num_seeds == SMOKE["num_seeds"]


def test_recipe_is_read_over_its_bases(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        '[shared]\nviews = "all"\nepochs = 3\nseed = 1\n'
        '[some]\nbase = "shared"\nepochs = 4\n'
        '[more]\nbase = "some"\nseed = 2\n'
    )

    assert read_recipe("some", recipe) == {"tta": "all", "epochs": 4, "seed": 1}
    assert read_recipe("more", recipe) == {"tta": "all", "epochs": 4, "seed": 2}


@pytest.mark.parametrize("base", ["other", "some"])
def test_recipe_with_an_absent_base_is_rejected(base: str, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f'[some]\nbase = "{base}"\n')

    with pytest.raises(TrainingError, match=rf"recipe\.toml has no other table '{base}', the base of 'some'"):
        read_recipe("some", recipe)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("some = 5\n", "'some' is not a table: write \\[some\\]"),
        ("some = [1]\n", "'some' is not a table"),
        ("[[some]]\nepochs = 2\n", "'some' is not a table"),
        ("shared = 3\n[some]\nbase = 'shared'\n", "'shared' is not a table"),
        ("[some]\nbase = ['shared']\n", "no other table"),
    ],
)
def test_recipe_with_other_things_than_tables_is_rejected(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(text)

    with pytest.raises(TrainingError, match=message):
        read_recipe("some", tmp_path / "recipe.toml")


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (train, "--model-dir"),
        (train, "--output-dir"),
        (train, "--checkpoint-dir"),
        (tune, "--output-dir"),
        (prepare, "--output"),
        (evaluate, "--output"),
    ],
)
def test_output_that_cannot_be_written_is_reported_before_data_are_read(
    command: Callable[[list[str]], int], option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    places = ["--model-dir", "--output-dir", "--checkpoint-dir"] if command is train else []
    options = [word for place in places for word in (place, str(tmp_path / "place"))]

    options += [*TASK, "--data", "nowhere", option, str(tmp_path / "file" / "report")]
    assert command(options) == 1

    assert capsys.readouterr().err == (
        f"error: Cannot write to '{tmp_path}/file/report': '{tmp_path}/file' is a file.\n"
    )


def test_folder_without_the_right_to_write_is_no_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda place, mode: place == tmp_path and not mode & os.W_OK)

    with pytest.raises(TrainingError, match="is not writable"):
        check_output(tmp_path / "new" / "report")


def test_smoke_run_of_an_ensemble_recipe_works(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f"[{TASK[1]}]\nnum_seeds = 3\nensemble_size = 2\n")

    assert parse_arguments([*TASK, "--recipe", str(recipe)]).parameters.ensemble_size == 2
    assert parse_arguments([*TASK, "--recipe", str(recipe), "--smoke"]).parameters.ensemble_size == 1


def test_command_line_takes_names_of_release_0_1() -> None:
    words = [
        "--repeats",
        "3",
        "--members",
        "3",
        "--validation",
        "rotating",
        "--views",
        "one",
        "--warm_up",
        "0.3",
    ]
    words += [
        "--gradient-norm",
        "2",
        "--balance",
        "0.5",
        "--margin=16",
        "--normalisation",
        "fixed",
        "--erase",
        "0",
    ]
    words += ["--ensemble-average", "outputs"]  # a new name; the recipe's choice rules out cross-validation
    before = parse_arguments([*TASK, *words, "--others", "folder"])

    assert before.asked == {
        "ensemble_average": "outputs",
        "num_seeds": 3,
        "ensemble_size": 3,
        "validation": "cross",
        "tta": "none",
        "warmup_fraction": 0.3,
        "clip_grad_norm": 2.0,
        "logit_adjustment": 0.5,
        "padding": 16,
        "normalization": "fixed",
        "random_erasing": 0.0,
    }
    assert before.ood_data == Path("folder")


def test_recipe_takes_names_of_release_0_1(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f'[{TASK[1]}]\nrepeats = 3\nmembers = 3\nvalidation = "rotating"\n')

    assert read_recipe(TASK[1], recipe) == {"num_seeds": 3, "ensemble_size": 3, "validation": "cross"}
    assert parse_arguments([*TASK, "--recipe", str(recipe), "--num-seeds", "3"]).parameters.num_seeds == 3


def test_prepare_takes_no_training_options() -> None:
    with pytest.raises(TrainingError, match="no argument '--ood-data'"):
        prepare_parser().parse([*TASK, "--ood-data", "x"])
    assert parse_arguments([*TASK, "--smoke", "true", "--num-seeds", "5"]).parameters.num_seeds == 5
    assert parse_arguments([*TASK, "--smoke", "false"]).parameters.dropout == Hyperparameters().dropout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "epochs must lie between 1 and 1000; it is 0"),
        (["--dropout", "1.5"], "dropout must lie between 0 and 0.9"),
        (["--label-smoothing", "nan"], "label_smoothing must lie between"),
    ],
)
def test_values_out_of_range_are_rejected_by_name(arguments: list[str], message: str) -> None:
    with pytest.raises(InvalidHyperparameters, match=message):
        parse_arguments([*TASK, *arguments])


def test_unknown_task_is_rejected_with_the_known_ones() -> None:
    with pytest.raises(TrainingError, match=r"no task 'spam'.*mammography-views"):
        parse_arguments(["--task", "spam"])


def test_recipe_with_an_invalid_hyper_parameter_is_rejected(tmp_path: Path) -> None:
    recipe = tmp_path / "recipes.toml"
    recipe.write_text('[some-task]\nepoch = 3\nweights = "float64"\n', encoding="utf-8")

    with pytest.raises(InvalidHyperparameters, match="no hyper-parameter 'epoch'"):
        Hyperparameters().updated(read_recipe("some-task", recipe))
    with pytest.raises(InvalidHyperparameters, match="weights must be one of float16, float32"):
        Hyperparameters().updated({"weights": "float64"})
    with pytest.raises(InvalidHyperparameters, match="epochs must be of type int, not '3'"):
        Hyperparameters().updated({"epochs": "3"})
    with pytest.raises(InvalidHyperparameters, match="epochs must be of type int, not True"):
        Hyperparameters().updated({"epochs": True})
    with pytest.raises(InvalidHyperparameters, match=r"dropout must lie between .*; it is 1000"):
        Hyperparameters().updated({"dropout": 10**400})
    with pytest.raises(InvalidHyperparameters, match="stem_stride must be one of 4, 2, not '3'"):
        Hyperparameters().updated({"stem_stride": 3})
    assert read_recipe("another-task", recipe) == {}


def test_recipe_that_is_named_must_have_the_task(tmp_path: Path) -> None:
    """Without this check, a misspelt table would train with the defaults."""
    recipe = tmp_path / "best.toml"
    recipe.write_text("[some-task]\nepochs = 3\n", encoding="utf-8")

    with pytest.raises(TrainingError, match=rf"no table '{TASK[1]}'. Its tables: some-task"):
        parse_arguments([*TASK, "--recipe", str(recipe)])


def test_help_explains_every_hyper_parameter(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(["--help"])

    text = " ".join(capsys.readouterr().out.split())
    for name, default in Hyperparameters().to_dict().items():
        assert f"--{name.replace('_', '-')}" in text
        assert f"(default {default})" in text


def test_start_from_imagenet_sets_the_architecture(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("", encoding="utf-8")
    words = [*TASK, "--recipe", str(recipe)]
    arguments = parse_arguments([*words, "--start-from", "efficientnet-lite1"])

    assert arguments.parameters.architecture == arguments.start_from == "efficientnet-lite1"
    assert parse_arguments(words).parameters.architecture == "resnet"
    assert parse_arguments([*words, "--start-from", "network.pt"]).parameters.architecture == "resnet"


def test_architecture_of_a_recipe_starts_from_imagenet(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f'[{TASK[1]}]\narchitecture = "efficientnet-lite0"\n', encoding="utf-8")
    words = [*TASK, "--recipe", str(recipe)]

    assert parse_arguments(words).start_from == "efficientnet-lite0"
    assert parse_arguments([*words, "--start-from", "network.pt"]).start_from == "network.pt"
    assert parse_arguments([*words, "--architecture", "resnet"]).start_from is None
    larger = parse_arguments([*words, "--start-from", "efficientnet-lite2"])
    assert larger.parameters.architecture == larger.start_from == "efficientnet-lite2"


def test_start_from_imagenet_with_another_architecture_is_rejected() -> None:
    with pytest.raises(TrainingError, match="needs that architecture, not resnet"):
        parse_arguments([*TASK, "--start-from", "efficientnet-lite0", "--architecture", "resnet"])


def test_data_are_in_the_folders_of_the_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEGATOSCOPE_DATA", str(tmp_path))
    wanted = ["--task", "breast-ultrasound"]
    assert parse_arguments(wanted).data == (f"{tmp_path}/breast-ultrasound",)

    (tmp_path / "breast-ultrasound-384").mkdir()

    assert parse_arguments(wanted).data == (f"{tmp_path}/breast-ultrasound-384",)
    assert parse_arguments([*wanted, "--dataset", "chest-xray"]).data == (f"{tmp_path}/chest-xray",)


def test_data_set_in_several_folders_has_those_that_exist(tmp_path: Path) -> None:
    entries = tmp_path / "datasets.toml"
    entries.write_text(
        '[tissue]\ntitle = ""\ncitation = ""\nlicence = ""\norigin = ""\nnotes = []\n'
        'folders = ["tissue", "tissue-more"]\n',
        encoding="utf-8",
    )
    parent = str(tmp_path)
    assert dataset_folders(parent, "tissue", entries) == [f"{parent}/tissue"]

    (tmp_path / "tissue").mkdir()
    assert dataset_folders(parent, "tissue", entries) == [f"{parent}/tissue"]

    (tmp_path / "tissue-more").mkdir()
    assert dataset_folders(parent, "tissue", entries) == [f"{parent}/tissue", f"{parent}/tissue-more"]
