"""The flags of RELIABILITY.md 4.7 as they arrived in the binary."""

import subprocess

import pytest
from market_server import BINARY, SANITIZED


def readelf(*flags):
    return subprocess.run(
        ["readelf", "--wide", *flags, BINARY], check=True, capture_output=True, text=True
    ).stdout


def test_position_independent():
    assert "DYN (Position-Independent Executable file)" in readelf("--file-header")
    assert "(FLAGS_1)" in (dynamic := readelf("--dynamic")) and "PIE" in dynamic


def test_relocations_are_read_only_and_bound_at_start():
    assert "GNU_RELRO" in readelf("--program-headers")
    dynamic = readelf("--dynamic")
    assert "BIND_NOW" in dynamic and "NOW" in dynamic.split("(FLAGS_1)")[1].splitlines()[0]
    assert "(TEXTREL)" not in dynamic and "(RPATH)" not in dynamic and "(RUNPATH)" not in dynamic


def test_no_memory_is_both_writable_and_executable():
    segments = readelf("--program-headers").splitlines()
    [stack] = [line for line in segments if "GNU_STACK" in line]
    assert " RW " in stack and "RWE" not in stack
    assert not [line for line in segments if " LOAD " in line and "RWE" in line]


def test_not_to_be_loaded_by_another_program():
    assert "NOOPEN" in readelf("--dynamic").split("(FLAGS_1)")[1].splitlines()[0]


@pytest.mark.skipif(SANITIZED or "/dev/" in str(BINARY), reason="a sanitizer brings its own checks")
def test_stack_protector_fortify_and_control_flow():
    symbols = readelf("--dyn-syms")
    assert "__stack_chk_fail" in symbols
    assert any(
        name in symbols for name in ("__memcpy_chk", "__snprintf_chk", "__vsnprintf_chk", "__memset_chk")
    )
    # Debian's own start-up objects are not marked, so the note of the whole file is lost; the code is there.
    assert BINARY.read_bytes().count(bytes.fromhex("f30f1efa")) > 5000, "no -fcf-protection"
