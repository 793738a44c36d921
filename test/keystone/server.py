"""Serves Keystone's API at HOST PORT, with a thread for each connection, after the commands of keystone-manage in the third argument, a JSON
list of lists. The commands run in this process, forked: to load Keystone takes longer than any of them.

The program that Debian's package has for tests answers one connection at a time and lets five more wait: the SYN of the next is lost, and
sent again after 1, 3, 7 and 15 seconds. Requests that write follow each other: SQLite refuses a transaction that has read before another
wrote."""

import json
import os
import socketserver
import sys
import threading
from wsgiref import simple_server

from keystone.cmd import cli
from keystone.server.wsgi import initialize_public_application


def manage(command):
    """Runs a command as keystone-manage does, which configures Keystone for itself."""
    child = os.fork()
    if child == 0:
        cli.main(['keystone-manage', '--config-file', os.environ['OS_KEYSTONE_CONFIG_FILES'], *command], None)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit('keystone-manage ' + ' '.join(command))


class Server(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    daemon_threads = True
    request_queue_size = 128


host, port, commands = sys.argv[1:]
sys.argv[1:] = []
for each in json.loads(commands):
    manage(each)
keystone, writing = initialize_public_application(), threading.Lock()


def application(environ, start_response):
    if environ['REQUEST_METHOD'] in ('GET', 'HEAD'):
        return keystone(environ, start_response)
    with writing:
        return keystone(environ, start_response)


simple_server.make_server(host, int(port), application, Server).serve_forever()
