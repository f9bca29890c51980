"""The verifier as a service over HTTP; ``edge`` is the plumbing that the issuer's service shares.

::

    from pathlib import Path
    from verifier.service.app import make_app
    from verifier.runtime.http import Listen, serve
    from verifier.service.settings import Settings

    settings = Settings(Path("/var/lib/icard"))
    serve(lambda drain: make_app(settings, drain), Listen(port=8080))

A request's way: ``edge`` (ends, caps, rates), ``api_keys``, ``lean`` or ``api``, ``asking`` (what is asked),
``service`` (what answers: ``knowledge``, ``pictures``, ``batch``, ``agent``).
"""
