"""A request for the emulator: the same, but with its template rewritten where it has one."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from local.cloudformation.expansion import is_sam
from local.cloudformation.forms import Form
from local.cloudformation.rewriting import Site, rewritten
from local.cloudformation.storage import Storage
from local.cloudformation.templates import BODY_BYTES, read, text_of

log = logging.getLogger(__name__)

_WITH_TEMPLATE: Final = frozenset(
    {"CreateStack", "UpdateStack", "CreateChangeSet", "ValidateTemplate", "GetTemplateSummary"}
)
# These look at a SAM template as it is.
_UNEXPANDED: Final = frozenset({"ValidateTemplate", "GetTemplateSummary"})


@dataclass(frozen=True)
class Requests:
    """Rewrites requests; `previous` gives the parameters' values that a stack has."""

    storage: Storage
    site: Site
    previous: Callable[[str], Mapping[str, str]]

    def for_emulator(self, form: Form) -> Form:
        """The request as the emulator takes it. One that it refuses as AWS does stays as it is.

        Raises:
            TemplateRefused: the template is not one.

        """
        text = self._template(form)
        if form.action not in _WITH_TEMPLATE or text is None:
            return form
        template = read(text)
        if form.action in _UNEXPANDED and is_sam(template):
            return form
        stack = form.fields.get("StackName", "")
        values = form.values(self.previous(stack) if form.keeps_values else {})
        new = rewritten(template, values, self.site)
        for name, limit in new.given_up:
            log.warning("%s: %s of parameter %s is given up", stack, limit, name)
        return form.at(self.storage.keep(text_of(new.template)))

    def _template(self, form: Form) -> str | None:
        if body := form.fields.get("TemplateBody"):
            return body if len(body.encode()) <= BODY_BYTES else None
        if url := form.fields.get("TemplateURL"):
            return self.storage.read(url)
        return None
