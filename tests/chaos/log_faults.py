#!/usr/bin/env python3
"""Faults under the log, with real processes (RELIABILITY rows 2-6).

    tests/chaos/log_faults.py [DRIVER] [--seed N] [--kills N]

A small driver appends groups of numbered events and prints the offset of each acknowledged record; strace
injects the faults. After each, a fresh process reads the log: every acknowledged record must be there, in its
place, once, and whole.
Prints `N passed, N failed, N skipped`; exit 1 when one failed.
"""

import argparse
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

BATCH = 3
results = {"passed": 0, "failed": 0, "skipped": 0}


def report(name, problem=None, skipped=None):
    word = "skipped" if skipped else "failed" if problem else "passed"
    results[word] += 1
    if problem or skipped:
        print(f"{word}: {name}: {problem or skipped}", flush=True)


def run(command, timeout=120):
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout)


def said(output):
    """The driver's lines as (word, offset)."""
    lines = [line.split() for line in output.splitlines()]
    return [(words[0], int(words[1])) for words in lines if len(words) == 2]


def acknowledged(lines):
    return max([offset for word, offset in lines if word in ("open", "ack", "reopened")], default=0)


def problem_of(driver, folder, lines):
    """What is wrong with the log in `folder` after a run that said `lines`; None when all is well."""
    acks = [offset for word, offset in lines if word == "ack"]
    if acks != sorted(set(acks)):
        return "a record was acknowledged twice or backwards"
    check = run([driver, "check", folder])
    if check.returncode != 0:
        return f"the log is wrong: {check.stderr.strip() or 'a record is missing, doubled or moved'}"
    end = said(check.stdout)[-1][1]
    promised = acknowledged(lines)
    if end < promised:
        return f"acknowledged up to {promised}, but the log ends at {end}"
    if end > promised + 1:
        return f"the log ends at {end}, more than one record behind the acknowledged {promised}"
    return None


def strace(driver, folder, groups, inject):
    """Only the calls named in `inject` are traced: an injection needs that, and others would cost time."""
    calls = inject.split(":")[0]
    command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + calls, "-e", "inject=" + inject]
    return run(command + [driver, "append", folder, str(groups), str(BATCH)])


def test_kills(driver, rng, count):
    for n in sorted(rng.sample(range(1, 400), count)):
        with tempfile.TemporaryDirectory() as folder:
            run([driver, "append", folder, "5", str(BATCH)])
            done = strace(driver, folder, 500, f"fdatasync,fsync:signal=KILL:when={n}")
            lines = said(done.stdout)
            if done.returncode == 0:
                report(f"kill at sync {n}", "the process was not killed")
                continue
            report(f"kill at sync {n}", problem_of(driver, folder, lines))


def test_failed_syncs(driver, rng, count):
    commits_hit = 0
    # The first 8 syncs make the new file: when one of them fails, the log does not open.
    for n in sorted(rng.sample(range(9, 200), count)):
        with tempfile.TemporaryDirectory() as folder:
            done = strace(driver, folder, 250, f"fdatasync,fsync:error=EIO:when={n}")
            lines = said(done.stdout)
            name = f"EIO at sync {n}"
            words = [word for word, _ in lines]
            commits_hit += "unavailable" in words
            if done.returncode != 0:
                report(name, f"the driver ended with {done.returncode}: {done.stderr.strip()[-200:]}")
            elif "unavailable" in words and "reopened" not in words[words.index("unavailable") :]:
                report(name, "never open again")
            elif "unavailable" in words and words[words.index("unavailable") + 1] == "ack":
                report(name, "acknowledged before it was open again")
            else:
                report(name, problem_of(driver, folder, lines))
    # A few of them hit a checkpoint, which is no failure of a commit; if nearly all do, nothing is tested.
    report("EIO hits commits", None if commits_hit * 2 >= count else f"only {commits_hit} of {count} did")


def test_failed_commit_is_unknown(driver):
    """Every sync from the 20th to the 24th fails: the commit and the first tries to reopen."""
    with tempfile.TemporaryDirectory() as folder:
        done = strace(driver, folder, 60, "fdatasync,fsync:error=EIO:when=20..24")
        lines = said(done.stdout)
        words = [word for word, _ in lines]
        if done.returncode != 0 or "unavailable" not in words or "reopened" not in words:
            report("EIO five times", f"exit {done.returncode}, said {words[-5:]}")
        else:
            report("EIO five times", problem_of(driver, folder, lines))


def test_write_errors(driver, rng, count):
    for n in sorted(rng.sample(range(20, 400), count)):
        for error in ("EIO", "ENOSPC"):
            with tempfile.TemporaryDirectory() as folder:
                done = strace(driver, folder, 120, f"pwrite64:error={error}:when={n}")
                name = f"{error} at write {n}"
                if done.returncode != 0:
                    report(name, f"the driver ended with {done.returncode}: {done.stderr.strip()[-200:]}")
                else:
                    report(name, problem_of(driver, folder, said(done.stdout)))


def test_slow_sync(driver):
    with tempfile.TemporaryDirectory() as folder:
        done = strace(driver, folder, 30, "fdatasync:delay_enter=200000:when=10..14")
        if done.returncode != 0:
            report("slow sync", f"the driver ended with {done.returncode}")
        else:
            report("slow sync", problem_of(driver, folder, said(done.stdout)))


def test_full_disk(driver):
    name = "disk full, then space again"
    folder = tempfile.mkdtemp()
    mounted = run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder])
    if mounted.returncode != 0:
        os.rmdir(folder)
        report(name, skipped="a small file system cannot be mounted here (needs root)")
        return
    try:
        ballast = os.path.join(folder, "ballast")
        with open(ballast, "wb") as file:
            file.write(b"\0" * (6 << 20))
        process = subprocess.Popen(
            [driver, "append", folder, "4000", "64"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        lines, refused, freed = [], 0, False
        for line in process.stdout:
            words = line.split()
            lines.append((words[0], int(words[1])))
            refused += words[0] in ("full", "unavailable")
            if freed and words[0] == "ack" and len(lines) > 5:
                break
            if refused == 5 and not freed:
                end = acknowledged(lines)
                os.unlink(ballast)
                freed = True
        process.kill()
        process.wait()
        problem = None
        if refused < 5:
            problem = "the disk never became full"
        elif lines[-1][0] != "ack":
            problem = "did not go on when space was back"
        else:
            check = run([driver, "check", folder, "64"])
            if check.returncode != 0 or said(check.stdout)[-1][1] < max(end, acknowledged(lines)):
                problem = f"the log is wrong: {check.stderr.strip()}"
        report(name, problem)
    finally:
        run(["umount", folder])
        os.rmdir(folder)


def test_torn_wal(driver, rng):
    """Copies the files of a killed process and cuts the WAL's tail."""
    with tempfile.TemporaryDirectory() as folder:
        done = strace(driver, folder, 500, "fdatasync:signal=KILL:when=150")
        promised = acknowledged(said(done.stdout))
        for cut in sorted(rng.sample(range(1, 4097), 20)):
            with tempfile.TemporaryDirectory() as copy:
                for file in ("log.db", "log.db-wal"):
                    shutil.copy(os.path.join(folder, file), copy)
                wal = os.path.join(copy, "log.db-wal")
                os.truncate(wal, max(0, os.path.getsize(wal) - cut))
                check = run([driver, "check", copy])
                end = said(check.stdout)[-1][1] if check.returncode == 0 else -1
                # One page less is one record less at most: of those that were cut, or the unacknowledged one.
                fits = end >= promised - 1
                report(f"WAL cut by {cut}", None if fits else f"promised {promised}, ends at {end}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    build = os.environ.get("MARKET_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build/release")
    parser.add_argument("driver", nargs="?", default=f"{build}/tests/log_driver")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--kills", type=int, default=25, help="how many moments to kill at")
    args = parser.parse_args()
    if not os.access(args.driver, os.X_OK):
        sys.exit(f"{args.driver}: no such program; build the target log_driver first")
    driver = os.path.abspath(args.driver)
    print(f"log faults, seed {args.seed}")
    rng = random.Random(args.seed)
    test_full_disk(driver)
    traced = shutil.which("strace") and run(["strace", "-qq", "-o", "/dev/null", "true"]).returncode == 0
    if traced:
        test_kills(driver, rng, args.kills)
        test_failed_syncs(driver, rng, args.kills)
        test_failed_commit_is_unknown(driver)
        test_write_errors(driver, rng, 10)
        test_slow_sync(driver)
        test_torn_wal(driver, rng)
    else:
        report("faults in system calls", skipped="strace is absent or not allowed")
    print(f"{results['passed']} passed, {results['failed']} failed, {results['skipped']} skipped")
    return 1 if results["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
