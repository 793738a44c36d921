"""Runs commands of Debian's openstack client, one after the other, in one process: most of what the client does otherwise is to load
itself. They are all of one user, whose token the client keeps. Each line of the input is a JSON list of arguments; each line of the output is a JSON list of exit status and text."""

import contextlib
import io
import json
import sys
import traceback
import warnings

from openstackclient import shell


def run(argv):
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        try:
            status = shell.main(argv)
        except SystemExit as e:
            status = e.code
        except Exception:
            traceback.print_exc()
            status = 1
    return status, text.getvalue()


warnings.simplefilter('ignore')
answers = sys.stdout
for line in sys.stdin:
    print(json.dumps(run(json.loads(line))), file=answers, flush=True)
