"""The metadata definitions of a GlanceAPI: whose they are, what is done about them, and what is said of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from glance_operator.api.glanceapi import GlanceAPISpec
from glance_operator.api.glanceapi.images import Metadefs
from glance_operator.api.metadefs import Namespace
from glance_operator.core import manifests, metadefs
from glance_operator.core.attempts import anew, first, over
from glance_operator.core.conditions import FALSE, TRUE, UNKNOWN, Condition
from glance_operator.core.glanceapi import rules
from glance_operator.core.glanceapi.drawing import Drawing
from glance_operator.core.glanceapi.observed import Memory, View
from glance_operator.core.inputs import Found, Input
from glance_operator.core.metadefs import Call, Define, Seen
from glance_operator.core.plan import Plan, Step, doing, waiting
from glance_operator.core.workload import LOOK, Job, words_of

READY = "MetadefsReady"
_FIELD = "spec.metadefs.configMapRefs"
Problem = tuple[str, str]  # reason and words of a condition


@dataclass(frozen=True)
class Definition:
    """A namespace, and where it is written. file: in words."""

    namespace: Namespace
    config_map: str
    file: str


@dataclass
class Declared:
    """What the ConfigMaps say. unread: those of which a file could not be understood."""

    definitions: dict[str, Definition] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)


@dataclass
class Judgement:
    """What there is to do and to say. memory: the namespaces that are ours, each with its ConfigMap."""

    due: list[Define] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    memory: dict[str, str] = field(default_factory=dict)


def sources(spec: GlanceAPISpec) -> list[Input]:
    """The ConfigMaps; the service runs without them."""
    refs = (spec.metadefs or Metadefs()).config_map_refs or ()
    return [Input("", "ConfigMap", ref.name, _FIELD) for ref in refs]


def names(spec: GlanceAPISpec, found: Found, memory: Memory) -> frozenset[str]:
    """The namespaces that Glance has to be asked about."""
    return frozenset({*declared(spec, found).definitions, *memory.metadefs})


def declared(spec: GlanceAPISpec, found: Found) -> Declared:
    """Of two that define the same namespace the first counts."""
    told = Declared()
    for one in sources(spec):
        data = found.get(one.source)
        if data is None:
            told.problems.append(("InputMissing", f"ConfigMap {one.name} ({_FIELD}) does not exist: create it"))
        for key, text in sorted((data or {}).items()):
            _declare(told, one.name, key, text)
    return told


def _declare(told: Declared, config_map: str, key: str, text: str) -> None:
    file = f"ConfigMap {config_map}, key {key}"
    try:
        namespace = metadefs.read(text)
    except metadefs.InvalidDocumentError as error:
        told.problems.append(("DefinitionInvalid", f"{file}: {error}"))
        told.unread.add(config_map)
        return
    first = told.definitions.setdefault(namespace.namespace, Definition(namespace, config_map, file))
    if first.file != file:
        words = f"namespace {namespace.namespace} is in {first.file}, and again in {file}: the first counts"
        told.problems.append(("NamespaceTwice", words))


def judge(view: View) -> Judgement:
    """Each namespace by itself: what is wrong with one holds up no other."""
    told, seen = declared(view.spec, view.found), view.metadefs or Seen()
    found = Judgement(problems=list(told.problems), memory=dict(view.memory.metadefs))
    for name, wanted in told.definitions.items():
        if name in seen.found:
            _judge_wanted(found, seen, name, wanted)
    for name in sorted(view.memory.metadefs.keys() - told.definitions.keys()):
        # What a file that cannot be understood would say is not known: nothing of its ConfigMap is taken away.
        if name in seen.found and view.memory.metadefs[name] not in told.unread:
            _judge_old(found, seen, name)
    return found


def _judge_wanted(found: Judgement, seen: Seen, name: str, wanted: Definition) -> None:
    """One that is exactly as written is ours, whatever the status remembers: objects come back without it."""
    present = seen.found[name]
    calls = metadefs.changes(wanted.namespace, present)
    if any(attempt.taken for attempt in seen.attempts.get(name, ())):
        found.memory.pop(name, None)
    if present is not None and name not in found.memory and (calls or metadefs.loaded(present)):
        words = f"namespace {name} ({wanted.file}) is in Glance already and not from here: it is left as it is"
        found.problems.append(("NamespaceTaken", f"{words}. Delete it there, or take it out of the ConfigMap"))
        return
    found.memory[name] = wanted.config_map
    _plan(found, seen, name, calls, f"{name} ({wanted.file})")


def _judge_old(found: Judgement, seen: Seen, name: str) -> None:
    present = seen.found[name]
    if present is None:
        del found.memory[name]
    else:
        _plan(found, seen, name, metadefs.removal(present), f"{name}, which has to go")


def _plan(found: Judgement, seen: Seen, name: str, calls: tuple[Call, ...], what: str) -> None:
    """The same requests are not sent twice in a row."""
    tried = next((attempt for attempt in seen.attempts.get(name, ()) if attempt.calls == calls), None)
    if tried:
        words = tried.words or f"it has taken {calls[0].method} {calls[0].path}, and shows something else"
        found.problems.append(("DefinitionRefused", f"namespace {what}: Glance says: {words}"))
    elif calls:
        found.due.append(Define(name, calls, new=seen.found[name] is None))


# Rules


def load_first(drawn: Drawing) -> Plan | None:
    """SQLite has one writer: an import that begins while another loads could fail, and stay locked for hours."""
    unloaded = _unloaded(drawn)
    if not unloaded or drawn.view.workload or not drawn.view.spec.database.sqlite:
        return None
    if _loading(drawn) is None:
        return doing(first(drawn.view, manifests.metadefs_job(drawn.of)), unloaded.reason, unloaded.message, after=LOOK)
    return waiting(unloaded.reason, unloaded.message, LOOK, passing=True)


def load(drawn: Drawing) -> Plan | None:
    """Glance's own definitions, while the service runs; what is there already stays as it is."""
    if not _loads(drawn):
        return None
    view, job, wanted = drawn.view, _loading(drawn), manifests.metadefs_job(drawn.of)
    if job is None:
        step: Step = first(view, wanted)
    elif job.failed and not job.refused and over(job, view.now):
        step = anew(view, wanted, job.attempt + 1)
    else:
        return None
    return Plan(rules.serve(drawn).state, step=step, after=0)


def define(drawn: Drawing) -> Plan | None:
    """The user's definitions, one namespace after the other; that they are ours is written down first."""
    if _unloaded(drawn) or not (due := judge(drawn.view).due):
        return None
    return Plan(rules.serve(drawn).state, step=due[0], after=0, record=True)


def _loads(drawn: Drawing) -> bool:
    return manifests.METADEFS in manifests.phases(drawn.of)


def _loading(drawn: Drawing) -> Job | None:
    return drawn.view.jobs.get(manifests.database_name(drawn.of, manifests.METADEFS))


# Words


def condition(view: View, drawn: Drawing | None, plan: Plan) -> Condition:
    """What is wrong comes first, then what is not done yet. The service is none the worse for it."""
    if drawn is None:
        return Condition(READY, UNKNOWN, "NotReached", f"First: {plan.state.reason}")
    judged = judge(view)
    if problems := [*_failure(drawn), *judged.problems]:
        return Condition(READY, FALSE, problems[0][0], "; ".join(words for _, words in problems))
    if unloaded := _unloaded(drawn):
        return unloaded
    if view.metadefs and view.metadefs.trouble:
        return Condition(READY, UNKNOWN, "ServiceNotAsked", view.metadefs.trouble)
    if judged.due:
        return Condition(READY, FALSE, "Defining", "Bringing Glance's namespaces to what the ConfigMaps say")
    return Condition(READY, TRUE, READY, f"Namespaces from ConfigMaps: {len(judged.memory)}" if judged.memory else "")


def _unloaded(drawn: Drawing) -> Condition | None:
    """Before Glance's own are there, none of the same name may be made."""
    job = _loading(drawn)
    if not _loads(drawn) or (job and (job.done or job.failed)):
        return None
    if job is None:
        return Condition(READY, UNKNOWN, "NotLoaded", "Glance's own definitions have not been loaded yet")
    return Condition(READY, FALSE, "Loading", f"Loading Glance's own definitions (Job {job.name}){_words(drawn, job)}")


def _failure(drawn: Drawing) -> list[Problem]:
    job = _loading(drawn)
    if job is None or not job.failed or not _loads(drawn):
        return []
    words = _words(drawn, job) or ": see the log of its pods"
    cure = "set spec.metadefs.defaults to false, or spec.image to one that has them"
    then = cure if job.refused else "it is tried again"
    return [("LoadFailed", f"Loading Glance's own definitions failed (Job {job.name}){words}; {then}")]


def _words(drawn: Drawing, job: Job) -> str:
    words = words_of(drawn.view.pods, job.name) or job.trouble
    return f": {words}" if words else ""


def memory(view: View) -> list[dict[str, str]]:
    """What the status remembers."""
    ours = judge(view).memory
    return [{"namespace": name, "configMap": config_map} for name, config_map in sorted(ours.items())]
