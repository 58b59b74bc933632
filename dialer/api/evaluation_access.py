"""Who may do what with evaluations, beside what their role allows: own drafts, own calls, never the own review."""

from http import HTTPStatus

from dialer.api.principal import Principal
from dialer.api.problems import ApiError, not_found
from dialer.api.routing import AnyCall
from dialer.model.account import Role
from dialer.model.evaluation import Evaluation, Person, Sees, Step, Viewer

_SEES = {Role.COLLECTOR: Sees.OWN_CALLS, Role.AUDITOR: Sees.ALL}


def person_of(call: AnyCall) -> Person:
    """The person who asks (403: a program's token; scoring and answering are a person's)."""
    actor: Principal = call.actor
    if actor.account_id is None:
        raise ApiError(HTTPStatus.FORBIDDEN, "this is done by a person: log in, or use a token of an account")
    return Person(actor.account_id, actor.name)


def viewer_of(call: AnyCall) -> Viewer:
    """What the one who asks may see of evaluations."""
    actor: Principal = call.actor
    sees = Sees.REVEALED if actor.role is None else _SEES.get(actor.role, Sees.REVEALED)
    return Viewer(actor.account_id or 0, sees)


async def visible(call: AnyCall) -> Evaluation:
    """The evaluation that the path names (404: there is none that this person may see)."""
    found: Evaluation | None = await call.services.storage.evaluations.get(viewer_of(call), call.path.evaluation_id)
    if found is None:
        raise not_found("evaluation")
    return found


async def as_scorer(call: AnyCall) -> Step:
    """A step of the scorer's own draft (403: somebody else's)."""
    evaluation, person = await visible(call), person_of(call)
    if evaluation.scorer_id != person.account_id:
        raise ApiError(HTTPStatus.FORBIDDEN, "only its scorer does this with an evaluation")
    return Step(evaluation.evaluation_id, call.body.revision, person)


async def as_collector(call: AnyCall) -> Step:
    """A step of the collector whose call it is; what is not theirs they do not see (404)."""
    return Step((await visible(call)).evaluation_id, call.body.revision, person_of(call))


async def as_reviewer(call: AnyCall, *, taken: bool) -> Step:
    """A step of a review (403: by the scorer, or in the own call; if `taken`, by somebody else than who took it)."""
    evaluation, person = await visible(call), person_of(call)
    if person.account_id in (evaluation.scorer_id, evaluation.agent_id):
        raise ApiError(HTTPStatus.FORBIDDEN, "a dispute is reviewed by somebody who neither scored nor made the call")
    dispute = evaluation.dispute
    if taken and dispute is not None and dispute.reviewer_id not in (None, person.account_id):
        raise ApiError(HTTPStatus.FORBIDDEN, "somebody else reviews this dispute")
    return Step(evaluation.evaluation_id, call.body.revision, person)
