"""What is installed, and what others have installed under our names."""

import sys
from pathlib import Path

import pytest

from daydreamer.doctor import software
from daydreamer.doctor.check import Level

REQUIRES = [
    "numpy>=1.24",
    "torch>=2.5; extra == 'learner'",
    'rich; extra == "learner"',
    "pytest>=8; extra == 'dev'",
]


def test_requirements_are_read_from_what_the_distribution_says():
    assert software.requirements(REQUIRES) == {
        "": {"numpy": "1.24"},
        "learner": {"torch": "2.5", "rich": ""},
        "dev": {"pytest": "8"},
    }


def test_the_extras_are_those_of_the_project_and_none_for_developers():
    needs = software.requirements(software.metadata_requires())
    assert {"learner", "sim"} <= needs.keys()
    assert "dev" not in {check.name for check in software.extras(needs)}


def test_the_actors_packages_are_here():
    check = software.closure({"numpy": "1.24"})
    assert check.level is Level.OK and "numpy" in check.found


def test_a_package_that_is_too_old_is_told_with_what_is_needed():
    check = software.closure({"numpy": "999.0"})
    assert check.level is Level.PROBLEM and "numpy 999.0 or newer" in check.found
    note = software.extra("learner", {"numpy": "999.0"})
    assert note.level is Level.NOTE and "needed is 999.0" in note.found and "'.[learner]'" in note.do


def test_an_extra_that_is_not_here_says_what_it_is_for():
    check = software.extra("sim", {"no-such-package": "1.0"})
    assert check.level is Level.NOTE and "without no-such-package" in check.found
    assert "a simulated or emulated A1" in check.do


@pytest.mark.parametrize(
    ("version", "oldest", "old"),
    [
        ("2.13.0+cpu", "2.5", False),
        ("2.4", "2.5", True),
        ("2.5", "2.5", False),
        ("10.0", "9.9", False),
        ("1.0", "", False),
    ],
)
def test_versions_are_compared_by_their_numbers(version, oldest, old):
    assert software._older(version, oldest) is old


def package(folder: Path, name: str, *files: str) -> str:
    (folder / name).mkdir(parents=True)
    for file in ("__init__.py", *files):
        (folder / name / file).touch()
    return str(folder)


def test_nothing_foreign_is_on_the_path_here():
    assert [check.level for check in software.foreign()] == [Level.OK]


def test_another_package_called_robots_is_a_problem_wherever_it_stands(tmp_path):
    (check,) = software.foreign([*sys.path, package(tmp_path, "robots")])
    assert check.level is Level.PROBLEM and str(tmp_path) in check.found


def test_a_package_called_launch_is_noted_unless_it_is_that_of_ros_2(tmp_path):
    others = package(tmp_path / "pypi", "launch")
    ros = package(tmp_path / "ros", "launch", "launch_description.py")
    _, check = software.foreign([*sys.path, others])
    assert check.level is Level.NOTE and "ros2 launch" in check.do
    assert len(software.foreign([*sys.path, ros])) == 1


def test_a_folder_that_is_no_package_hides_nothing(tmp_path):
    (tmp_path / "robots").mkdir()
    (tmp_path / "launch").mkdir()
    assert len(software.foreign([*sys.path, str(tmp_path)])) == 1
