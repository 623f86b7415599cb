"""The process that makes previews for somebody who watches: it has imported the package as it is now, and ends when that changes.

Every line on standard input asks for the page once more; the answer is a line of JSON: ``said`` is what to show, ``ok`` whether the
page was made, ``notebook`` the file that it is made of.
"""

import json
import os
import sys
import traceback
from pathlib import Path

from crmtools import lean
from crmtools.asked import read_settings
from crmtools.errors import CRMError


def main() -> None:
    """Answer until standard input ends; the one argument holds what :func:`crmtools.report.watching.watch` was given."""
    lean.without_addresses()
    asked = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    from crmtools.report.press_client import Press
    from crmtools.report.warm import warm_process

    streams = tuple(
        os.fdopen(number, mode, encoding="utf-8") for number, mode in zip(asked["press"], "wr", strict=True)
    )
    with warm_process() as warm, Press(streams or None) as press:  # type: ignore[arg-type]
        from crmtools.report.preview import preview

        notebooks = Path(asked["notebooks"]) if asked["notebooks"] else None
        for _ in sys.stdin:
            made = {"ok": False, "notebook": "", "said": ""}
            try:
                settings = read_settings(asked["parameters"])
                found = preview(
                    settings, asked["page"], language=asked["language"], press=press, warm=warm, notebooks=notebooks
                )
                made |= {"ok": True, "said": found.said, "notebook": str(found.notebook)}
            except (CRMError, OSError) as error:
                made["said"] = str(error)
            except Exception:  # noqa: BLE001 - whoever edits the package wants to see it, and goes on
                made["said"] = traceback.format_exc()
            answers.write(json.dumps(made) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
