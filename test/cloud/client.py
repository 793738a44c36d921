"""Runs commands of Debian's openstack client, one after the other, as its interactive mode does: most of what the client does otherwise is
to load itself and to ask for a token. The arguments are the options that say who the user is. Each line of the input is a JSON list, a
command; each line of the output is a JSON list of exit status and text."""

import contextlib
import io
import json
import sys
import traceback
import warnings

from openstackclient import shell


class Client:
    def __init__(self, options):
        self.text = io.StringIO()
        with self.printing():
            self.app = shell.OpenStackShell()
            self.app.command_options = options
            self.app.options, _ = self.app.parser.parse_known_args(options)
            self.app.interactive_mode = False
            self.app.configure_logging()
            self.app.initialize_app([])

    @contextlib.contextmanager
    def printing(self):
        self.text.seek(0)
        self.text.truncate()
        with contextlib.redirect_stdout(self.text), contextlib.redirect_stderr(self.text):
            yield

    def run(self, command):
        with self.printing():
            try:
                status = self.app.run_subcommand(command)
            except SystemExit as e:
                status = e.code
            except Exception:
                traceback.print_exc()
                status = 1
        return status, self.text.getvalue()


warnings.simplefilter('ignore')
client = Client(sys.argv[1:])
for line in sys.stdin:
    print(json.dumps(client.run(json.loads(line))), flush=True)
