# What midonet-cli, which is written for Python 2, finds missing in Python 3. The client itself is as its authors made it.
import builtins
import inspect
import urllib
import urllib.parse

from webob import exc

_map, _filter, _text = map, filter, exc.WSGIHTTPException.__str__


def _decoded(error):
    text = error.detail or _text(error)
    return text.decode() if isinstance(text, bytes) else text


builtins.map = lambda *args: list(_map(*args))
builtins.filter = lambda *args: list(_filter(*args))
exc.WSGIHTTPException.__str__ = _decoded
inspect.getargspec = inspect.getfullargspec
urllib.urlencode = urllib.parse.urlencode
