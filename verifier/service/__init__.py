"""The verifier as a service over HTTP.

::

    from pathlib import Path
    from verifier.service.app import make_app
    from verifier.runtime.http import Listen, serve
    from verifier.service.settings import Settings

    settings = Settings(Path("/var/lib/icard"))
    serve(lambda drain: make_app(settings, drain), Listen(port=8080))

A request passes :mod:`verifier.runtime.http` (timeouts, caps, rates), ``api_keys``, ``lean`` or ``api``,
``request_parsing``, and ``service``, which answers it (``live_knowledge``, ``pictures``, ``batch``, ``agent``).
"""
