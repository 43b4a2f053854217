#!/usr/bin/env python3
"""summary.py DIR: what ran, by label, from ctest's results in DIR (LABEL.xml, JUnit).

Lists each skipped test with its reason and each failed one. Ends with "N passed, N failed, N skipped";
the exit status is 1 where something failed or nothing ran.
"""
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

RUN = re.compile(r"^\[ RUN      \] (\S+)$")
END = re.compile(r"^\[       OK \] (\S+) \(|^\[  FAILED  \] (\S+?),? .*\(\d+ ms\)|^\[  SKIPPED \] (\S+) \(")
SHOWN = 80  # last lines of a failed test's output
SKIP_AT = re.compile(r"^\S+:\d+: Skipped$")


def google_tests(output):
    """(name, result, reason) of each GoogleTest test in a program's output."""
    name, reason, in_reason = None, [], False
    for line in output.splitlines():
        if started := RUN.match(line):
            name, reason, in_reason = started.group(1), [], False
        elif name and SKIP_AT.match(line):
            in_reason = True
        elif name and (ended := END.match(line)):
            result = "passed" if ended.group(1) else "failed" if ended.group(2) else "skipped"
            yield name, result, " ".join(reason).strip()
            name = None
        elif name and in_reason:
            reason.append(line.strip())
    if name:
        yield name, "failed", "ended in the middle of the test"


def results_of(case):
    """(name, result, reason) of each test behind one ctest entry: several where a program runs as a whole."""
    name = case.get("name").split("  # ")[0]  # without GoogleTest's print of a parameter
    output = case.findtext("system-out") or ""
    failure = case.find("failure")
    inner = list(google_tests(output))
    if len(inner) == 1 and not failure:
        return [(name, inner[0][1], inner[0][2])]
    if inner and (failure is None or any(result == "failed" for _, result, _ in inner)):
        return [(f"{name}: {test}", result, reason) for test, result, reason in inner]
    if case.get("status") == "notrun" or case.find("skipped") is not None:
        said = [line for line in output.splitlines() if line.strip().lower().startswith("skip")]
        reason = case.find("skipped").get("message", "") if case.find("skipped") is not None else ""
        if "Unable to find executable" in reason or "NOT_BUILT" in name:
            return [(name, "failed", "was not built")]
        return [(name, "skipped", said[-1].strip() if said else reason)]
    if failure is not None:
        return [(name, "failed", failure.get("message", ""))]
    return [(name, "passed", "")]


def show_output(label, case):
    lines = (case.findtext("system-out") or "").splitlines()
    print(f"\n--- {label}: {case.get('name')}")
    print("\n".join(lines if len(lines) <= SHOWN else ["..."] + lines[-SHOWN:]))


def main():
    folder = pathlib.Path(sys.argv[1])
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    skipped, failed, table = [], [], []
    for path in sorted(folder.glob("*.xml"), key=lambda path: path.stat().st_mtime):
        label = path.stem.replace("unit-sanitized", "unit (sanitized)")
        counts = dict.fromkeys(totals, 0)
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            if case.find("failure") is not None:
                show_output(label, case)
            for name, result, reason in results_of(case):
                counts[result] += 1
                totals[result] += 1
                if result == "skipped":
                    skipped.append((label, name, reason or "no reason given"))
                elif result == "failed":
                    failed.append((label, name, reason))
        if sum(counts.values()) == 0:
            table.append(f"  {label:18} no tests")
        else:
            table.append(f"  {label:18} {counts['passed']} passed, {counts['failed']} failed, "
                         f"{counts['skipped']} skipped")
    print("\nTests by label:", *table, sep="\n")
    for title, rows in (("Skipped", skipped), ("Failed", failed)):
        if rows:
            print(f"{title}:")
            for label, name, reason in rows:
                print(f"  {label}: {name}" + (f": {reason}" if reason else ""))
    ran = totals["passed"] + totals["failed"]
    if ran == 0:
        print("Nothing ran, so nothing is shown.")
    print(f"{totals['passed']} passed, {totals['failed']} failed, {totals['skipped']} skipped")
    return 1 if totals["failed"] or ran == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
