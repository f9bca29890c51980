"""What every HTTP service of icard shares, between the socket and the application.

::

    from verifier.runtime import http

    def make_app(drain: http.Drain) -> ASGIApp:
        metrics = http.Metrics("icard_verifier")
        app = http.new_app(title="icard")
        ...
        return http.wrap(app, http.EdgeLimits(bodies=[http.BodyClass("/v1/", cap=65536)]), metrics)

    http.serve(make_app, http.Listen(host="127.0.0.1", port=8000))

Faults are :class:`Problem`; the modules say what they promise: ``app``, ``problems``, ``ids``, ``bodies``, ``forms``,
``json_bodies``, ``rates``, ``overload``, ``headers``, ``logs``, ``metrics``, ``language``, ``stack`` (their order),
``protocol`` and ``server``.
"""

from .application import new_app
from .bodies import JSON, BodyClass, whole_body
from .forms import read_form
from .json_bodies import is_json, read_json
from .language import language_of, preferred_language
from .logs import configure_logs, log_fault
from .metrics import Metrics
from .overload import BOUNDED, stand_aside
from .pieces import InPieces
from .problems import PROBLEM_TYPE, FieldFault, Problem, Statuses, is_field_name, problem_response
from .protocol import Drain, WireLimits
from .rates import Buckets, RateClass, client_key
from .request_ids import request_id
from .routes import route_template
from .server import Listen, MakeApp, serve
from .stack import EdgeLimits, wrap

__all__ = [
    "BOUNDED",
    "JSON",
    "PROBLEM_TYPE",
    "BodyClass",
    "Buckets",
    "Drain",
    "EdgeLimits",
    "FieldFault",
    "InPieces",
    "Listen",
    "MakeApp",
    "Metrics",
    "Problem",
    "RateClass",
    "Statuses",
    "WireLimits",
    "client_key",
    "configure_logs",
    "is_field_name",
    "is_json",
    "language_of",
    "log_fault",
    "new_app",
    "preferred_language",
    "problem_response",
    "read_form",
    "read_json",
    "request_id",
    "route_template",
    "serve",
    "stand_aside",
    "whole_body",
    "wrap",
]
