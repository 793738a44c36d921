"""Asks oslo.policy what rules mean: a JSON list of {rule, caller, target} on the input, of {text, verdict} on the output."""

import json
import logging
import sys

from oslo_policy import _checks
from oslo_policy import _parser

logging.disable(logging.CRITICAL)


class Enforcer:
    rules = {'yes': _checks.TrueCheck(), 'no': _checks.FalseCheck()}


def ask(question):
    try:
        check = _parser.parse_rule(question['rule'])
        verdict = _checks._check(check, question['target'], question['caller'], Enforcer(), None)
        return {'text': str(check), 'verdict': bool(verdict)}
    except Exception as e:
        return {'text': 'error: %s' % type(e).__name__, 'verdict': False}


json.dump([ask(q) for q in json.load(sys.stdin)], sys.stdout)
