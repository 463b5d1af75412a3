"""Writes a copy of the sources with every mutant in it, and takes out those that do not compile."""

import collections
import concurrent.futures
import os
import pathlib
import re
import subprocess

HEADER = """// Written by ci/mutate: which mutant is on.
#pragma once
#include <type_traits>
extern int maskproof_mutant;
constexpr bool MaskproofMutantInConstexpr(int number) {
  return std::is_constant_evaluated() ? false : maskproof_mutant == number;
}
#define MASKPROOF_MUTANT(number) (maskproof_mutant == (number))
#define MASKPROOF_MUTANT_C(number) MaskproofMutantInConstexpr(number)
"""
DEFINITION = """// Written by ci/mutate.
#include <cstdlib>
static int Chosen() {
  const char* const number = std::getenv("MASKPROOF_MUTANT");
  return number == nullptr ? 0 : std::atoi(number);
}
int maskproof_mutant = Chosen();
"""


class Written:
    """The text of a file with its mutants, and where each of them stands in it."""

    def __init__(self, text, mutants):
        self.places = []  # (begin, end, mutant)
        self.out = []
        self.size = 0
        self.text = text
        groups = collections.defaultdict(list)
        for mutant in mutants:
            groups[(mutant.begin, mutant.end)].append(mutant)
        self.groups = sorted(groups.items(), key=lambda item: (item[0][0], -item[0][1]))
        self.at = 0
        self.write_until(0, len(text))
        self.result = "".join(self.out)
        self.lines = [0]
        for match in re.finditer("\n", self.result):
            self.lines.append(match.end())

    def emit(self, text):
        self.out.append(text)
        self.size += len(text)

    def write_until(self, begin, end):
        while self.at < len(self.groups) and self.groups[self.at][0][0] < end:
            (first, last), mutants = self.groups[self.at]
            if last > end or first < begin:
                raise RuntimeError(f"overlapping mutants: {mutants[0]}")
            self.at += 1
            self.emit(self.text[begin:first])
            self.write_group(first, last, mutants)
            begin = last
        self.emit(self.text[begin:end])

    def write_group(self, first, last, mutants):
        start = self.size
        drops = [m for m in mutants if m.text == ""]
        others = [m for m in mutants if m.text != ""]
        closing = ""
        for m in drops:
            if m.statement:
                self.emit(f"{{ if (!{test(m)}) ")
                closing = " }" + closing
            else:
                self.emit(f"({test(m)} ? (void)0 : (void)(")
                closing = "))" + closing
        for m in others:
            self.emit(f"({test(m)} ? ({m.text}) : ")
            closing = ")" + closing
        if others:
            self.emit("(")
            closing = ")" + closing
        self.write_until(first, last)
        self.emit(closing)
        self.places += [(start, self.size, m) for m in mutants]

    def mutants_at(self, line, column):
        offset = self.lines[min(line, len(self.lines)) - 1] + column - 1
        around = [p for p in self.places if p[0] <= offset < p[1]]
        if around:
            shortest = min(p[1] - p[0] for p in around)
            return [p[2] for p in around if p[1] - p[0] == shortest]
        end = self.lines[line] if line < len(self.lines) else self.size
        return [p[2] for p in self.places if p[0] < end and p[1] > self.lines[line - 1]]


def test(mutant):
    return f"MASKPROOF_MUTANT{'_C' if mutant.constexpr else ''}({mutant.number})"


def write(folder, mutants, sources):
    """Overwrites the files under `folder`; what stands where in them."""
    by_file = collections.defaultdict(list)
    for mutant in mutants:
        by_file[mutant.file].append(mutant)
    written = {}
    for name, source in sources.items():
        written[name] = Written(source.text, by_file[name])
        path = folder / name
        if not path.exists() or path.read_text() != written[name].result:
            path.write_text(written[name].result)
    (folder / "mutant.h").write_text(HEADER)
    (folder / "mutant.cpp").write_text(DEFINITION)
    return written


def complaints(folder, compiler, arguments, unit):
    """Places of the errors of a file: lists of (file, line, column), the error and its notes."""
    command = [compiler, "-fsyntax-only", "-ferror-limit=0", "-w", *arguments, str(unit)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return []
    found = []
    for line in result.stderr.splitlines():
        match = re.match(r"(.*):(\d+):(\d+): (fatal error|error|note): ", line)
        if not match:
            continue
        path = pathlib.Path(os.path.normpath(match.group(1)))
        if match.group(4) != "note" or not found:
            found.append([])
        if path.is_relative_to(folder):
            found[-1].append((str(path.relative_to(folder)), int(match.group(2)),
                              int(match.group(3))))
    if not found:
        raise RuntimeError(f"{unit} does not compile:\n{result.stderr[:2000]}")
    return found


def write_compiling(folder, units, mutants, sources, compiler, arguments, jobs):
    """Writes the tree without the mutants that do not compile; those that are left."""
    left = list(mutants)
    pending = list(units)
    while pending:
        written = write(folder, left, sources)
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            results = list(
                pool.map(lambda unit: complaints(folder, compiler, arguments, unit), pending))
        bad = set()
        for unit, errors in zip(pending, results):
            known = len(bad)
            for places in errors:
                for file, line, column in places:
                    blamed = written[file].mutants_at(line, column) if file in written else []
                    if blamed:
                        bad.update(m.number for m in blamed)
                        break
            if errors and len(bad) == known and not bad:
                raise RuntimeError(f"nobody to blame for {unit}: {errors[0]}")
        print(f"  {len(bad)} of {len(left)} do not compile", flush=True)
        left = [m for m in left if m.number not in bad]
        pending = [unit for unit, errors in zip(pending, results) if errors]
    return left
