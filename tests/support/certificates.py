"""Certificates of a test's own."""

import subprocess


def certificate(folder, name):
    """A self-signed one; its common name tells which it is."""
    files = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        + ["-days", "2", "-subj", f"/CN={name}", "-out", files[0], "-keyout", files[1]],
        check=True,
        capture_output=True,
    )
    return [file.read_bytes() for file in files]


def certificate_files(folder):
    """The settings with which a server speaks TLS."""
    files = folder / "used.pem", folder / "used.key"
    for file, text in zip(files, certificate(folder, "own"), strict=True):
        file.write_bytes(text)
    return [f"gateway.tls_certificate={files[0]}", f"gateway.tls_key={files[1]}"]
