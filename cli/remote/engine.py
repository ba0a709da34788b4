"""The actions of one call of `remote`, in their order."""

from contextlib import suppress

import click

from cli.account import Account
from cli.asking import AccountError
from cli.remote.course import Course
from cli.remote.interruptions import interruptions
from cli.remote.leaving import leave
from cli.remote.machine import Ec2, MachineFacts
from cli.remote.options import Wanted
from cli.remote.preparing import prepare
from cli.remote.steps import STEPS
from shared.errors import Unavailable


def run(wanted: Wanted, account: Account) -> MachineFacts:
    """Do what is wanted; the machine as it is then.

    Raises:
        MachineMayRun: a machine may run that ought not to.
        click.ClickException, Rejected, Unavailable: it could not be done, and nothing is left.
        NotSuccessful: the experiment was, and did not succeed.

    """
    try:
        prepared = prepare(wanted, account, Ec2.of(account))
    except KeyboardInterrupt:
        click.echo("\ninterrupted: nothing was done", err=True)
        raise
    course = Course(prepared, prepared.machine)
    actions = prepared.wanted.actions
    with interruptions() as signals:
        for number, action in enumerate(actions):
            try:
                with signals.heard():
                    STEPS[action](course)
            except BaseException as error:
                leave(course, action, error, actions[number + 1 :])
                raise
    return _now(course)


def _now(course: Course) -> MachineFacts:
    machine = course.has()
    with suppress(AccountError, Unavailable):
        return course.ec2.describe(machine.instance_id) or machine
    return machine
