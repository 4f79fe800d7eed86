"""The compose file: its services build targets that exist, with arguments that those know."""

from __future__ import annotations

import re

import pytest
import yaml

from .dockerfile import FOLDER, ROOT, read

TEXT = (FOLDER / "compose.yaml").read_text(encoding="utf-8")
SERVICES = yaml.safe_load(TEXT)["services"]


@pytest.fixture(params=SERVICES)
def service(request):
    return SERVICES[request.param]


def test_it_builds_a_target_that_exists(service):
    build = service["build"]
    assert (FOLDER / build["context"]).resolve() == ROOT
    dockerfile = ROOT / build["dockerfile"]
    assert build["target"] in read(dockerfile.name).stages


def test_its_build_arguments_are_declared(service):
    build = service["build"]
    dockerfile = read((ROOT / build["dockerfile"]).name)
    declared = {name for _, step in dockerfile.steps("ARG") for name in step.declared}
    assert set(build["args"]) <= declared | set(dockerfile.args)


def test_cuda_services_and_no_others_ask_for_gpus(service):
    cuda = service["build"]["dockerfile"].endswith(".cuda")
    devices = service.get("deploy", {}).get("resources", {}).get("reservations", {}).get("devices", [])
    assert cuda == any("gpu" in device["capabilities"] for device in devices)
    assert service.get("profiles", []) == (["gpu"] if cuda else [])


def test_a_notebook_server_is_reached_from_this_machine_only(service):
    ports = service.get("ports", [])
    assert bool(ports) == (service["build"]["target"] == "notebook")
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_published_port_is_the_one_that_is_served(service):
    for port in service.get("ports", []):
        inside = port.rsplit(":", 1)[1]
        stage = read((ROOT / service["build"]["dockerfile"]).name).stages["notebook"]
        assert f"--port={inside}" in stage.steps[-1].value
        assert [step.value for step in stage.steps if step.instruction == "EXPOSE"] == [inside]


def test_what_is_mounted_exists_and_is_where_the_program_works(service):
    (volume,) = service["volumes"]
    default, inside = re.fullmatch(r"\$\{HMLM_PROJECT:-(.*)\}:(.*)", volume).groups()
    assert (FOLDER / default).is_dir()
    runtime = read((ROOT / service["build"]["dockerfile"]).name).stages["runtime"]
    assert [step.value for step in runtime.steps if step.instruction == "WORKDIR"] == [inside]


def test_every_variable_has_a_default_and_is_explained():
    used = re.findall(r"\$\{(\w+)(:-[^}]+)?\}", TEXT)
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert {name for name, _ in used} == {"HMLM_PROJECT", "HMLM_UID", "HMLM_CUDA"}
    assert all(default for _, default in used)
    assert all(f"`{name}`" in readme for name, _ in used)
