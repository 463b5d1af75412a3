"""What came out: for each file, how many mutants there are and who noticed them."""

import collections

SUITE = ("properties", "extended", "threads", "misuse")
FUZZERS = ("attention_fuzzer", "qattention_fuzzer", "core_fuzzer")


def entry(mutant, name, sources, equivalent, unnoticed):
    return {"mutant": name, "number": mutant.number, "file": mutant.file,
            "line": sources[mutant.file].line(mutant.begin), "what": mutant.what,
            "equivalent": equivalent.get(name), "unnoticed": unnoticed.get(name), "killers": {}}


def noticed(result, names):
    return any(result["killers"].get(name, {}).get("by") for name in names)


def missed(data):
    return {r["mutant"] for r in data["mutants"] if not noticed(r, SUITE)}


def survivors(results):
    ran = [r for r in results if any(name in r["killers"] for name in SUITE)]
    return [r for r in ran if not r["equivalent"] and not noticed(r, SUITE)]


def refuted(results):
    """Argued to be equivalent, but somebody noticed."""
    return [r for r in results if r["equivalent"] and any(k["by"] for k in r["killers"].values())]


def share(part, whole):
    return f"{part} ({100.0 * part / whole:.1f}%)" if whole else "-"


def table(results):
    groups = collections.defaultdict(list)
    for result in results:
        groups[result["file"]].append(result)
    lines = ["| file | mutants | equivalent | properties | fuzzers | vectors | unit tests |",
             "|---|---|---|---|---|---|---|"]

    def row(name, group):
        real = [r for r in group if not r["equivalent"]]

        def killed(names):
            ran = [r for r in real if any(n in r["killers"] for n in names)]
            return share(sum(noticed(r, names) for r in ran), len(ran))

        lines.append(f"| {name} | {len(group)} | {len(group) - len(real)} | {killed(SUITE)} | "
                     f"{killed(FUZZERS)} | {killed(('vectors',))} | {killed(('units',))} |")

    for name in sorted(groups):
        row(name, groups[name])
    row("all", results)
    for result in survivors(results):
        reason = result["unnoticed"] or "no reason is known"
        lines.append(f"survives: {result['mutant']} (line {result['line']}): {reason}")
    for result in refuted(results):
        lines.append(f"not equivalent: {result['mutant']} (line {result['line']}): "
                     f"{result['killers']}")
    return "\n".join(lines)
