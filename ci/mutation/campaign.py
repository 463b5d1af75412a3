"""Runs every mutant against what is to notice it."""

import concurrent.futures
import json
import os
import pathlib
import resource
import subprocess
import tempfile
import time

# Beyond its budget of processor time: for the start of a program, and for what is slow to stop.
GRACE = 10


class Killer:
    """A program that fails if the kernels are wrong."""

    def __init__(self, name, command, budget, signs):
        self.name = name
        self.command = command  # of (budget, scratch folder)
        self.budget = budget
        self.signs = signs  # of (return code, output, scratch folder): who noticed, or None

    def hunt(self, number):
        """Who noticed mutant `number` (0: the kernels as they are), and the seconds it took."""
        def limit():
            seconds = self.budget + GRACE
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

        with tempfile.TemporaryDirectory() as scratch:
            environment = dict(os.environ, MASKPROOF_MUTANT=str(number), TMPDIR=scratch)
            start = time.monotonic()
            try:
                result = subprocess.run(self.command(self.budget, scratch), env=environment,
                                        cwd=scratch, preexec_fn=limit, capture_output=True,
                                        timeout=4 * (self.budget + GRACE), check=False)
            except subprocess.TimeoutExpired:
                return "a hang", time.monotonic() - start
            seconds = time.monotonic() - start
            if result.returncode in (-24, -9, 137, 152):
                return "a hang", seconds
            output = (result.stdout + result.stderr).decode("utf-8", "replace")
            return self.signs(result.returncode, output, scratch), seconds


def suite(programs, subject, budget, name):
    """`maskproof power`: the invariants."""
    def command(budget, scratch):
        return [programs / "maskproof", "power", "--subject", subject, "--budget", f"{budget}s",
                "--suite-only", "--no-shrink", "--quiet", "--json", f"{scratch}/power.json"]

    def signs(code, output, scratch):
        file = pathlib.Path(scratch, "power.json")
        if not file.exists() or file.stat().st_size == 0:
            return f"the end of the program ({code})"
        # Exit codes are about what was to be expected, and here both are.
        found = json.loads(file.read_text())["rows"][0]["suite"]
        return found["by"] if found["caught"] else None

    return Killer(name, command, budget, signs)


def tests(programs, program, name, budget):
    """A program of GoogleTest: vectors_test, which is other people's test vectors with their own
    tolerances, or kernels_test, the kernels' own tests."""
    def command(_budget, _scratch):
        return [programs / program, "--gtest_brief=1", "--gtest_fail_fast"]

    return Killer(name, command, budget,
                  lambda code, output, scratch: None if code == 0 else first_line(output))


def misuse(programs, budget):
    """The properties of the C interface: calls that cannot be meant are refused."""
    def command(_budget, _scratch):
        return ["env", "RC_PARAMS=seed=1 max_success=1000", programs / "c_misuse_test",
                "--gtest_brief=1", "--gtest_fail_fast"]

    return Killer("misuse", command, budget,
                  lambda code, output, scratch: None if code == 0 else first_line(output))


def fuzzer(programs, target, seeds, budget):
    """A fuzz target from the seeds of corpus/."""
    def command(budget, scratch):
        return [programs / target, f"-max_total_time={budget}", "-seed=1", "-timeout=10",
                f"-artifact_prefix={scratch}/", f"{scratch}", seeds]

    return Killer(target, command, budget,
                  lambda code, output, scratch: None if code == 0 else first_line(output))


def first_line(output):
    for line in output.splitlines():
        for sign in ("broken", "BROKEN", "Failure", "ERROR", "[  FAILED  ]"):
            if sign in line:
                return line.strip()[:120]
    return "a failure"


def run(killers, mutants, jobs, record, finished):
    """record(mutant, killer name, who noticed, seconds) for each mutant and killer. Of a group of
    killers, those after the first that notices are left out."""
    def one(mutant):
        for group in killers:
            for killer in group:
                by, seconds = killer.hunt(mutant.number)
                record(mutant, killer.name, by, seconds)
                if by is not None:
                    break
        finished(mutant)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for future in [pool.submit(one, mutant) for mutant in mutants]:
            future.result()
