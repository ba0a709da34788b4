"""Mistakes with what Bitbucket is told."""

from tests.simulation.mutants.mutant import mutant

_NOTIFIER = "services/notifier/app.py"

MUTANTS = (
    mutant(
        "the status says what the event says",
        _NOTIFIER,
        (
            "from shared.settings import Settings",
            "from shared.runs import Run\nfrom shared.settings import Settings",
        ),
        (
            "        run = needs.runs.get(changed.run_id)\n",
            "        run = Run.model_validate(changed.model_dump())\n",
        ),
    ),
    mutant(
        "the notifier does not look again",
        _NOTIFIER,
        ("        posted = run.version\n", "        return []\n"),
    ),
    mutant(
        "a token stands in a log line",
        "shared/bitbucket_access.py",
        (
            '            message = f"{doing}: {type(error).__name__}"\n',
            '            message = f"{doing}: {type(error).__name__} {headers}"\n',
        ),
    ),
    mutant(
        "what was not answered is repeated at once",
        "shared/bitbucket_access.py",
        ('wait = CARRIED_OUT_SECONDS if sent and method != "GET" else None', "wait = None"),
    ),
    mutant(
        "refused credentials are given up",
        _NOTIFIER,
        (
            'refused", doing=str(error))\n            raise',
            'refused", doing=str(error))\n            return []',
        ),
    ),
    mutant(
        "one 404 is believed",
        "shared/gone.py",
        ("if now - since < _SHOWN_WITHIN:", "if now - since < -_SHOWN_WITHIN:"),
    ),
    mutant(
        "a hidden repository is taken for a commit that is gone",
        "shared/bitbucket.py",
        (
            "                raise RepositoryHidden(message) from None\n",
            "                raise NotFound(message) from None\n",
        ),
    ),
)
