"""Mistakes with what comes from Bitbucket: whom the webhook believes, what a push asks for."""

from tests.simulation.mutants.mutant import mutant

MUTANTS = (
    mutant(
        "a repository is called by its name",
        "shared/bitbucket.py",
        ("        if not uuid:\n", "        if uuid:\n"),
    ),
    mutant(
        "a renamed repository is taken for the project of its new name",
        "services/parser/requests.py",
        (
            "if asked is None or pushed.known_as is None:",
            "if asked is None or pushed.known_as != pushed.repository.full_name:",
        ),
    ),
    mutant(
        "the webhook says that it has stored what it could not",
        "services/webhook/trying.py",
        ('return Answer(503, "try again")', 'return Answer(202, "stored")'),
    ),
    mutant(
        "what exists is taken for done",
        "services/parser/app.py",
        (
            "        run = needs.runs.get(run.run_id) or run\n",
            "        return []\n",
        ),
    ),
    mutant(
        "a signature is not compared",
        "services/webhook/hooks.py",
        (
            "signature is not None and signed(body, hook.secret, signature)",
            "hook.secret != signature",
        ),
    ),
    mutant(
        "a webhook speaks for any repository",
        "services/webhook/app.py",
        (
            "if not hook.speaks_for(push.repository):",
            "if hook.repository is None:",
        ),
    ),
    mutant(
        "a result is taken for a commit that asks",
        "services/parser/requests.py",
        ("    if _is_result(pushed.message):", '    if pushed.message == "":'),
    ),
    mutant(
        "a webhook's secret is not read again after it was replaced",
        "services/webhook/hooks.py",
        (
            "        return None if newer == text else self._proven(newer, uuid, signature, body)",
            "        return None",
        ),
    ),
    mutant(
        "the uuid of a webhook's repository is not compared",
        "services/webhook/hooks.py",
        ("return _plain(self.repository_uuid) == _plain(repository.uuid)", "return True"),
    ),
    mutant(
        "an error quotes the secrets of all webhooks",
        "services/webhook/hooks.py",
        (
            "    if told is None:\n        return None",
            """\
    if told is None:
        message = f"no webhook {uuid} in {text}"
        raise ValueError(message)""",
        ),
    ),
)
