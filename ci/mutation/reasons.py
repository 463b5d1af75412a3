"""What is known of single mutants: equivalent.txt argues those that change nothing a caller can see,
unnoticed.txt says of others why the properties do not notice them.

A line names a mutant by file, function, the code and what it becomes, so that the list outlives
changes elsewhere in the file; the reason follows it, indented.
"""

import re


def squeeze(text):
    return re.sub(r"\s+", " ", text).strip()


def names(mutants, sources):
    """Number to name. The n-th mutant of its kind in its function gets #n."""
    seen, result = {}, {}
    for mutant in mutants:
        code = squeeze(sources[mutant.file].text[mutant.begin:mutant.end])
        to = squeeze(mutant.text) or "(dropped)"
        text = f"{mutant.file} | {mutant.function} | {code} | {to}"
        seen[text] = seen.get(text, 0) + 1
        result[mutant.number] = text if seen[text] == 1 else f"{text} | #{seen[text]}"
    return result


def read(path, known, strict=True):
    """Reason by name. A line that is not one of the `known` is an error if `strict`: the code has
    moved on."""
    reasons, current, unknown = {}, [], []
    if not path.exists():
        return reasons
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            current = current if line.strip() else []
            continue
        if line.startswith(" "):
            if not current:
                raise SystemExit(f"error: {path}:{number}: a reason without a mutant")
            for name in current:
                reasons[name] = squeeze(reasons.get(name, "") + " " + line)
        else:
            name = squeeze(line)
            if strict and name not in known:
                unknown.append(f"error: {path}:{number}: no such mutant: {name}")
            if current and current[-1] in reasons:
                current = []
            current.append(name)
    if unknown:
        raise SystemExit("\n".join(unknown))
    return reasons
