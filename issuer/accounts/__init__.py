"""Accounts, roles, sessions and tokens. Functions on :class:`issuer.core.Core`, no HTTP.

The caller is a :class:`issuer.accounts.principals.Principal`, which comes from
:func:`issuer.accounts.sessions.authenticate` or :func:`issuer.accounts.tokens.authenticate_token`; every function below
that takes one checks its permissions itself.

===================  ==================================================================================================
``roles``, ``who``   the tables of roles, rights and scopes; ``Who.require(right)``
``login``            ``login``, ``step_up``: password, then TOTP or a recovery code; ``attempts.Origin``: where from
``sessions``         ``authenticate``, ``check_csrf``, ``list_sessions``, ``end``, ``end_others``, ``log_out``
``invitations``      ``open_invitation``, ``accept``
``own_account``      ``change_password``, ``begin_totp``, ``finish_totp``, ``renew_recovery_codes``, ``change_contact``
``tokens``           ``make_token``, ``authenticate_token``, ``list_tokens``, ``show_token``, ``revoke_token``
``directory``        accounts for administrators: make, show, find, list, role, lock, unlock, close, reset, end sessions
``two_people``       ``ask``, ``confirm``, ``refuse``, ``list_waiting``, ``show_confirmation``; the acts: ``ACTS``
``organisations``    employers and agencies
``mandates``         agency for employer, with an end
``card_parties``     whose card it is: ``require_card``, ``own_cards``, ``set_parties``
``host``             the first administrators, and the way back
``preferences``      ``set_preference``
``retention``        ``prune``, for the worker
===================  ==================================================================================================

All refusals are :class:`icard_crypto.errors.StateError`. By layer: ``session.unknown`` and ``token.unknown`` say that
nobody is known to ask; ``access.*``, ``session.csrf``, ``confirm.same_person``, ``confirm.younger_account`` and
``account.self`` that he may not; ``*.none`` that it is not there or not his; ``login.wait`` has the seconds in
``found``.
"""
