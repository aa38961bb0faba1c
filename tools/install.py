"""Install packages with uv, which takes a third of pip's time, and with pip where uv can't be had or fails.

``python -m tools.install PYTHON WHAT…`` installs into the environment of that interpreter, and takes what ``pip install`` takes.
What pip is configured to use (an index, wheels on the disk, constraints, a certificate) is used by uv as well.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys

OPTIONS = {
    "constraint": "--constraint",
    "extra-index-url": "--index",
    "find-links": "--find-links",
    "index-url": "--default-index",
    "no-index": "--no-index",
    "trusted-host": "--allow-insecure-host",
}
"""Settings of pip, and uv's options for the same."""
SECTIONS = ("global", "install", ":env:")
"""Where pip reads its settings: the last that has one counts."""
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")


def install(python: str, *what: str) -> None:
    """Install packages into the environment of an interpreter, with bytecode: tests take a compiler's warning for an error."""
    flags = ("--quiet", "--compile-bytecode", "--reinstall-package", "headwater", "--python", python)
    if uv := find_uv():
        settings = settings_of_pip()
        certificate = {"SSL_CERT_FILE": settings["cert"]} if "cert" in settings else {}
        command = [*uv, "pip", "install", *flags, *(one for one in as_options(settings) if one not in what), *what]
        if subprocess.run(command, env=certificate | os.environ, check=False).returncode == 0:
            return
    subprocess.run([*PIP, "--quiet", "--python", python, "install", *what], check=True)


def find_uv() -> tuple[str, ...]:
    """Return the command of uv: of this environment or the system, else pip fetches it. Empty where it can't be had."""
    commands = ((sys.executable, "-m", "uv"), ("uv",))
    for command in commands:
        if _runs(*command, "--version"):
            return command
    in_environment = sys.prefix != sys.base_prefix
    return commands[0] if in_environment and _runs(*PIP, "--quiet", "install", "uv") else ()


def settings_of_pip() -> dict[str, str]:
    """Return what pip's files and variables say to ``pip install``."""
    listed = subprocess.run([*PIP, "config", "list"], capture_output=True, text=True, check=False).stdout
    said = {name: value for name, _, value in (line.partition("=") for line in listed.splitlines())}
    return {
        name.removeprefix(f"{section}."): ast.literal_eval(value)
        for section in SECTIONS
        for name, value in said.items()
        if name.startswith(f"{section}.")
    }


def as_options(settings: dict[str, str]) -> list[str]:
    """Return uv's options for settings of pip."""
    options = []
    for name in (name for name in OPTIONS if name in settings):
        if name == "no-index":
            options += [OPTIONS[name]] * (settings[name].lower() in ("1", "true", "yes", "on"))
        else:
            options += [f"{OPTIONS[name]}={one}" for one in settings[name].split()]
    return options


def _runs(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    try:
        install(*sys.argv[1:])
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
