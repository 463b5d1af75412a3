"""ci/mutate: finds the mutants, builds them, runs them, counts."""

import argparse
import json
import pathlib
import platform
import subprocess
import sys
import threading

import campaign
import mutants
import reasons
import report
import tree

COMPILER = "clang++-19"
# One target, without what is chosen at run time. Of x86-64 the newest that every machine of today
# has, unless --march says otherwise.
MARCH = {"x86_64": "haswell"}.get(platform.machine())
DEFINED = ["-DHWY_DISABLED_TARGETS=(HWY_SVE|HWY_SVE2|HWY_SVE_256|HWY_SVE2_128|HWY_RVV)"]
FUZZERS = ["attention_fuzzer", "qattention_fuzzer", "core_fuzzer"]
# Never called where there is one target.
UNUSED = {"extensions.cpp", "extensions.h"}
PROGRAMS = ["maskproof", "maskproof-worker", "c_misuse_test", "vectors_test", "kernels_test",
            *FUZZERS]


def run(*command):
    subprocess.run([str(word) for word in command], check=True)


def copy_tree(root, to):
    """The files of the project, changed ones as they are now."""
    files = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard"],
                           capture_output=True, text=True, check=True).stdout.split("\n")
    for name in files:
        source, target = root / name, to / name
        if not name or not source.is_file():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if name.startswith("kernels/src/"):
            continue  # written with its mutants
        if not target.exists() or target.read_bytes() != source.read_bytes():
            target.write_bytes(source.read_bytes())
            target.chmod(source.stat().st_mode)
    # What was renamed or deleted since would be built with the rest.
    own = {"mutant.h", "mutant.cpp"}
    for target in to.rglob("*"):
        name = target.relative_to(to)
        if target.is_file() and target.name not in own and not (root / name).is_file():
            target.unlink()


def flags_for(march):
    own = ["-maes", "-mpclmul"] if march == "haswell" else []  # what Highway asks for beside AVX2
    return ["-DHWY_COMPILE_ONLY_STATIC", *([f"-march={march}"] if march else []), *own]


def known_of(folder, kind, names, march):
    """The reasons of KIND.txt, which are those of the usual target, without what not-KIND-MARCH.txt
    takes back, and with those of KIND-MARCH.txt."""
    usual = march == MARCH
    known = reasons.read(folder / f"{kind}.txt", names, strict=usual)
    if usual:
        return known
    for name in reasons.read(folder / f"not-{kind}-{march}.txt", names):
        del known[name]
    return known | reasons.read(folder / f"{kind}-{march}.txt", names)


def prepare(root, work, jobs, march):
    """Builds the tree with every mutant in it."""
    copy_tree(root, work / "tree")
    flags = flags_for(march)
    origin = root / "kernels/src"
    resources = subprocess.run([COMPILER, "-print-resource-dir"], capture_output=True, text=True,
                               check=True).stdout.strip()
    include = ["-std=c++20", f"-I{root}", f"-I{root}/kernels/include"]
    units = sorted(origin.glob("*.cpp"))
    found, sources = mutants.find(
        origin, units, [*include, *flags, *DEFINED, f"-I{origin}", "-resource-dir", resources])
    found = [mutant for mutant in found if mutant.file not in UNUSED]
    print(f"{len(found)} mutants in {len(sources)} files", flush=True)
    folder = work / "tree/kernels/src"
    folder.mkdir(parents=True, exist_ok=True)
    for path in origin.iterdir():
        if path.name not in sources:
            (folder / path.name).write_bytes(path.read_bytes())
    header = ["-include", str(folder / "mutant.h")]
    names = reasons.names(found, sources)
    known = [known_of(root / "ci/mutation", kind, set(names.values()), march)
             for kind in ("equivalent", "unnoticed")]
    # Those that did not compile last time are not tried again: nothing is written twice.
    memory = work / f"rejected-{march}.json"
    rejected = set(json.loads(memory.read_text())) if memory.exists() else set()
    tried = [m for m in found if names[m.number] not in rejected]
    left = tree.write_compiling(folder, [folder / unit.name for unit in units], tried, sources,
                                COMPILER, [*include, *flags, *DEFINED, f"-I{folder}", *header],
                                jobs)
    kept = {m.number for m in left}
    memory.write_text(json.dumps([names[m.number] for m in found if m.number not in kept]))
    build = work / "build"
    run("cmake", "-S", work / "tree", "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
        f"-DCMAKE_CXX_COMPILER={COMPILER}", "-DMASKPROOF_FUZZ=ON", "-DMASKPROOF_TESTS=ON",
        "-DMASKPROOF_CLI=ON", f"-DMASKPROOF_VECTORS={root.parent}/shared/vectors",
        f"-DCMAKE_CXX_FLAGS={' '.join(['-std=c++20', *flags, '-w', *header])}")
    run("cmake", "--build", build, "--parallel", jobs, "--target", *PROGRAMS)
    return left, names, known, sources, build / "bin"


def killers_of(names, programs, root, budget):
    """Groups of killers, of which one that notices is enough."""
    listed = subprocess.run([programs / "maskproof", "list", "targets"], capture_output=True,
                            text=True, check=True).stdout
    # kernels:TARGET, and the same with an extension if this machine has it.
    *extended, alone = [word for word in listed.split() if word.startswith("kernels:")]
    groups = {
        "properties": [campaign.suite(programs, alone, budget, "properties"),
                       *[campaign.suite(programs, subject, budget, "extended")
                         for subject in extended],
                       campaign.suite(programs, f"{alone},threads=3,fully_masked=zero", budget, "threads"),
                       campaign.misuse(programs, budget)],
        "fuzzers": [campaign.fuzzer(programs, target, root / "corpus/seeds", budget)
                    for target in FUZZERS],
        "vectors": [campaign.tests(programs, "vectors_test", "vectors", budget)],
        "units": [campaign.tests(programs, "kernels_test", "units", 10 * budget)],
    }
    return [groups[name] for name in names]


def main():
    parser = argparse.ArgumentParser(prog="ci/mutate")
    parser.add_argument("--root", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--jobs", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--only", action="append", default=[], metavar="FILE")
    parser.add_argument("--sample", type=int, default=1, metavar="N")
    parser.add_argument("--budget", type=int, default=10, metavar="SECONDS")
    parser.add_argument("--killers", default="properties fuzzers vectors units")
    parser.add_argument("--march", default=MARCH, metavar="PROCESSOR")
    parser.add_argument("--survivors", type=pathlib.Path, metavar="JSON")
    options = parser.parse_args()

    for name in options.only:
        if "/" in name or not (options.root / "kernels/src" / name).is_file():
            parser.error(f"--only: {name} is not the name of a file in kernels/src")
    work = options.root / "build/mutation"
    work.mkdir(parents=True, exist_ok=True)
    found, names, known, sources, programs = prepare(options.root, work, options.jobs,
                                                    options.march)
    killers = killers_of(options.killers.split(), programs, options.root, options.budget)
    for killer in [killer for group in killers for killer in group]:
        by, _ = killer.hunt(0)
        if by is not None:
            sys.exit(f"error: {killer.name} complains of the kernels as they are: {by}")

    chosen = [m for m in found if not options.only or m.file in options.only][::options.sample]
    if options.survivors:
        missed = report.missed(json.loads(options.survivors.read_text()))
        chosen = [m for m in chosen if names[m.number] in missed]
    results = [report.entry(m, names[m.number], sources, *known) for m in chosen]
    by_number = {m.number: r for m, r in zip(chosen, results)}
    lock = threading.Lock()
    done = 0

    def record(mutant, name, by, seconds):
        by_number[mutant.number]["killers"][name] = {"by": by, "seconds": round(seconds, 3)}

    def finished(_mutant):
        nonlocal done
        with lock:
            done += 1
            if done % 50 == 0:
                print(f"  {done} of {len(chosen)}", file=sys.stderr, flush=True)
                save()

    def save():
        text = json.dumps({"budget": options.budget, "mutants": results}, indent=1)
        (work / "results.json").write_text(text)

    campaign.run(killers, chosen, options.jobs, record, finished)
    save()
    print(report.table(results))
    unexplained = [r for r in report.survivors(results) if not r["unnoticed"]]
    sys.exit(1 if unexplained or report.refuted(results) else 0)


main()
