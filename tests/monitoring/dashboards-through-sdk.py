"""Reads each dashboard with the Grafana Foundation SDK and writes it again.

    dashboards-through-sdk.py [--write] FILE...

Fails where the outcome differs, and shows how. With --write it puts the outcome in the place of the file: so a dashboard
that was edited by hand, or exported from Grafana, gets back its form.
"""

import difflib
import json
import sys

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard


def through_sdk(text):
    dashboard = Dashboard.from_json(json.loads(text))
    # The encoder of the SDK escapes what is not ASCII; the second pass does not.
    values = json.loads(JSONEncoder().encode(dashboard))
    return json.dumps(values, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main(arguments):
    register_default_plugins()
    write = arguments[:1] == ["--write"]
    changed = False
    for path in arguments[1:] if write else arguments:
        with open(path, encoding="utf-8") as file:
            before = file.read()
        after = through_sdk(before)
        if before == after:
            print(f"{path}: passes through the SDK unchanged")
            continue
        changed = True
        if write:
            with open(path, "w", encoding="utf-8") as file:
                file.write(after)
            print(f"{path}: written")
        else:
            lines = difflib.unified_diff(before.splitlines(), after.splitlines(), path, "through the SDK", lineterm="")
            print("\n".join(lines))
    return 1 if changed and not write else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
