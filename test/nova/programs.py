"""Runs programs of OpenStack that Debian ships as modules alone, or with packages that bring more than is needed here:

    main MODULE ARGUMENT ...        a daemon
    manage MODULE OPTIONS COMMANDS  commands of a management tool, a JSON list of lists each, forked: to load it takes longer than any of them
    serve MODULE ADDRESS            a WSGI application, with a thread for each connection

Nova finds compute drivers in the directory that DRIVERS names as well."""

import importlib
import json
import os
import socketserver
import sys
from wsgiref import simple_server


def main(module, *arguments):
    drivers = os.environ.get('DRIVERS')
    if drivers:
        import nova.virt
        nova.virt.__path__.append(drivers)
    sys.argv[:] = [module, *arguments]
    sys.exit(importlib.import_module(module).main())


def manage(module, options, commands):
    tool = importlib.import_module(module)
    for command in json.loads(commands):
        child = os.fork()
        if child == 0:
            sys.argv[:] = [module, *json.loads(options), *command]
            sys.exit(tool.main())
        if os.waitpid(child, 0)[1] != 0:
            sys.exit(' '.join([module, *command]))


class Server(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    daemon_threads = True
    request_queue_size = 128


def serve(module, address):
    sys.argv[1:] = []
    host, port = address.split(':')
    application = importlib.import_module(module).init_application()
    simple_server.make_server(host, int(port), application, Server).serve_forever()


{'main': main, 'manage': manage, 'serve': serve}[sys.argv[1]](*sys.argv[2:])
