"""A program that has never seen hdrplan plans a case from what `info --json` says, and judges the result by it.

python stranger.py INFO.json CASE OUT '["hdrplan"]'
"""

import json
import pathlib
import subprocess
import sys

info_file, case, out, program = sys.argv[1:]
info = json.loads(pathlib.Path(info_file).read_text(encoding="utf-8"))
meaning = {row["code"]: row["name"] for row in info["exit_codes"]}

# The command that takes a case, writes a folder, can print JSON, and says that it plans.
(command,) = (
    row
    for row in info["commands"]
    if row["summary"].startswith("Plan")
    and row.get("prints_json_with")
    and any(argument["value"].startswith("case folder") for argument in row["arguments"])
    and any(option["value"] == "folder to write" for option in row["options"])
)
(output,) = (option["flags"][0] for option in command["options"] if option["value"] == "folder to write")
(json_flag,) = command["prints_json_with"]
step = next(option for option in command["options"] if option.get("case_entry") == "dwells.step_mm")


def call(*arguments):
    words = [*json.loads(program), *command["command"].split()[1:], *arguments]
    return subprocess.run(words, capture_output=True, text=True, encoding="utf-8")


refused = call(case, output, out, json_flag, step["flags"][0], str(step["maximum"] * 2))
assert meaning[refused.returncode] == "REFUSED", refused.stderr

done = call(case, output, out, json_flag)
assert meaning[done.returncode] == "DONE", done.stderr
metrics = json.loads(done.stdout)
assert {caution["id"] for caution in metrics["warnings"]} <= set(info["warnings"])
ctvs = {name: row for name, row in metrics["structures"].items() if row["role"] == "CTV"}
print(
    json.dumps(
        {
            "ctvs": ctvs,
            "keys": sorted({key for row in metrics["structures"].values() for key in row}),
            "proven": metrics["certificate"]["proven"],
            "refused": refused.returncode,
        }
    )
)
