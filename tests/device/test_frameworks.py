"""Frameworks of boards: the folder of an export is a library of Arduino and a module of Zephyr.

Arduino's own builder compiles the sketch for a Cortex-M4, with the core in the folder ``arduino``; qemu runs it. Of Zephyr, whose
tree is not here, CMake and kconfiglib read the files.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from tools.device.system import MACHINES, SCRIPT

import headwater as hw
from headwater.interop.device import columns_of, export_device

HERE = Path(__file__).with_name("arduino")
BUILDER = ("arduino-builder", "arduino-ctags", "arm-none-eabi-g++", "qemu-system-arm")
ROWS = 40
MACHINE = MACHINES["cortex-m4"]
REQUIRED = ("name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures")
STUBS = """cmake_minimum_required(VERSION 3.20)
project(application C)
set(CMAKE_C_FLAGS "-Os -ffunction-sections -fdata-sections -Wl,--gc-sections")  # Zephyr's own
set(CONFIG_HEADWATER_MODEL {chosen})
add_library(zephyr_interface INTERFACE)
macro(zephyr_library)
  add_library(headwater_model STATIC)
  target_link_libraries(headwater_model zephyr_interface)
endmacro()
macro(zephyr_library_sources)
  target_sources(headwater_model PRIVATE ${{ARGN}})
endmacro()
macro(zephyr_include_directories)
  target_include_directories(zephyr_interface INTERFACE ${{ARGN}})
endmacro()
add_subdirectory({module}/zephyr module)
if(CONFIG_HEADWATER_MODEL)
  file(WRITE ${{CMAKE_BINARY_DIR}}/main.c "#include <headwater.h>\\nint main(void) {{ return model_begin(); }}\\n")
  add_executable(application ${{CMAKE_BINARY_DIR}}/main.c)
  target_link_libraries(application headwater_model m)
endif()
"""


def lacking(*commands):
    found = [command for command in commands if not shutil.which(command)]
    return pytest.mark.skipif(bool(found), reason=f"{', '.join(found)} is not installed")


def taught():
    model = hw.Classifier(hidden=8, seed=1)
    learn(model, *stream(0, 300))
    return model


def stream(first, last):
    """Return rows as a serial port carries them, and their classes."""
    x = np.random.default_rng(5).normal(size=(last, 4)).round(3)[first:]
    named = [{f"c{j}": v for j, v in enumerate(row)} for row in x.astype(np.float32).tolist()]
    return named, np.argmax(x[:, :3] ** 2, 1).tolist()


def learn(model, x, y):
    for row, label in zip(x, y, strict=True):
        model.learn_one(row, label)


@lacking(*BUILDER)
def test_arduinos_builder_compiles_the_sketch_and_a_board_learns_as_python_does(tmp_path):
    model = taught()
    export_device(model, tmp_path / "libraries" / "headwater_model")
    program = built(tmp_path)
    x, y = stream(300, 300 + ROWS)
    lines = (
        " ".join([*(f"{row[column]:.3f}" for column in columns_of(model)), str(model.classes.index(label))])
        for row, label in zip(x, y, strict=True)
    )
    MACHINE.start(program, tmp_path / "on", ("\n".join(lines) + "\n").encode())
    said = np.loadtxt(tmp_path / "on" / "out")
    assert said.shape == (ROWS, 3)
    for row, label, own in zip(x, y, said, strict=True):
        assert own == pytest.approx(list(model.predict_proba_one(row).values()), abs=1e-6)
        model.learn_one(row, label)


def built(folder):
    """Return the program that Arduino's builder makes of the example, with the core for qemu."""
    core = folder / "hardware" / "headwater" / "bare" / "cores" / "bare"
    core.mkdir(parents=True)
    for name in ("boards.txt", "platform.txt"):
        shutil.copy(HERE / name, core.parents[1])
    for name in ("Arduino.h", "main.cpp"):
        shutil.copy(HERE / name, core)
    places = {"code": MACHINE.code, "data": MACHINE.data, "top": MACHINE.top, "spare": MACHINE.spare}
    (folder / "bare.ld").write_text(SCRIPT.format(**places), "utf-8")
    (folder / "build").mkdir()
    sketch = folder / "libraries" / "headwater_model" / "examples" / "Learn" / "Learn.ino"
    command = ["arduino-builder", "-compile", "-warnings", "all", "-fqbn", "headwater:bare:bare"]
    command += [
        "-hardware",
        folder / "hardware",
        "-hardware",
        "/usr/share/arduino-builder",
        "-tools",
        "/usr/share/arduino-builder",
    ]
    command += ["-libraries", folder / "libraries", "-prefs", f"build.script={folder / 'bare.ld'}"]
    done = subprocess.run(
        [*command, "-build-path", folder / "build", sketch], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "build" / "sketch.elf"


@lacking("g++")
def test_the_sketch_compiles_as_a_program_of_cplusplus(tmp_path):
    export_device(taught(), tmp_path)
    sketch = (tmp_path / "examples" / "Learn" / "Learn.ino").read_text("utf-8")
    (tmp_path / "sketch.cpp").write_text(f"#include <Arduino.h>\n{sketch}", "utf-8")
    command = ["g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-c", f"-I{HERE}", f"-I{tmp_path / 'src'}"]
    done = subprocess.run(
        [*command, tmp_path / "sketch.cpp", "-o", tmp_path / "sketch.o"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_folder_is_a_library_of_arduino_by_its_specification(tmp_path):
    export_device(taught(), tmp_path)
    lines = (tmp_path / "library.properties").read_text("utf-8").splitlines()
    told = dict(line.split("=", 1) for line in lines)
    assert tuple(told) == REQUIRED
    assert re.fullmatch(r"\d+\.\d+\.\d+", told["version"])
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,62}", told["name"])
    assert told["category"] == "Data Processing"
    assert sorted(path.name for path in (tmp_path / "src").iterdir()) == ["headwater.c", "headwater.h", "model.c"]
    assert (tmp_path / "examples" / "Learn" / "Learn.ino").is_file()


def test_the_folder_is_a_module_of_zephyr_whose_files_are_where_it_says(tmp_path):
    yaml = pytest.importorskip("yaml")
    export_device(taught(), tmp_path)
    told = yaml.safe_load((tmp_path / "zephyr" / "module.yml").read_text("utf-8"))
    assert set(told) == {"name", "build"}
    assert set(told["build"]) == {"cmake", "kconfig"}
    assert (tmp_path / told["build"]["cmake"] / "CMakeLists.txt").is_file()
    assert (tmp_path / told["build"]["kconfig"]).is_file()


def test_zephyrs_configuration_has_one_switch_which_is_off_at_first(tmp_path):
    kconfiglib = pytest.importorskip("kconfiglib")
    export_device(taught(), tmp_path)
    kconfig = kconfiglib.Kconfig(str(tmp_path / "zephyr" / "Kconfig"), warn_to_stderr=False)
    assert not kconfig.warnings
    [switch] = kconfig.unique_defined_syms
    assert (switch.name, switch.str_value) == ("HEADWATER_MODEL", "n")
    assert switch.set_value("y")
    assert switch.str_value == "y"


@lacking("cmake", "cc", "make")
@pytest.mark.parametrize("chosen", ["ON", "OFF"])
def test_cmake_builds_the_module_of_zephyr_where_it_is_chosen(chosen, tmp_path):
    export_device(taught(), tmp_path / "model")
    (tmp_path / "CMakeLists.txt").write_text(STUBS.format(chosen=chosen, module=tmp_path / "model"), "utf-8")
    for command in (
        ["-S", tmp_path, "-B", tmp_path / "build", "-G", "Unix Makefiles"],
        ["--build", tmp_path / "build"],
    ):
        done = subprocess.run(["cmake", *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "build" / "application").is_file() == (chosen == "ON")
