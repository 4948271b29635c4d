"""The thread that makes samples: takes the next job of the queue, runs it, and tells how it went.

Knows: the life of one job from waiting to its end, cancelling, and measuring speeds. Does not
know: what callers see (``views``) or how samples are stored (``run``).
"""

from __future__ import annotations

import logging
import threading
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING

from explorer.durable import StorageError
from explorer.studio.jobs import JobRecord, JobState
from explorer.studio.messages import failure_message, kept_sentence, out_of_memory
from explorer.studio.progress import Accounting
from explorer.studio.run import Takes, create_takes, reopen_takes, run_takes
from explorer.studio.speed import calibrate
from explorer.studio.views import Live

if TYPE_CHECKING:
    from explorer.engine import Jukebox
    from explorer.studio.service import Studio

log = logging.getLogger(__name__)


class _Stopped(Exception):
    """The job was asked to stop; not an error."""


class Worker:
    """One thread, one device, one job at a time."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._thread: threading.Thread | None = None
        self._closing = False
        self._cancelled: str | None = None
        self._running: str | None = None
        self._live = Live()
        self._to_measure: list[str] = []

    def start(self) -> None:
        """Begin to work on the queue."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="studio-worker", daemon=True)
            self._thread.start()

    def stop(self, timeout: float) -> None:
        """Interrupt the running job at its next event and wait for the thread to end."""
        with self._studio.changed:
            self._closing = True
            self._studio.changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout)

    def cancel(self, job: str) -> None:
        """Stop ``job`` at its next event if it is the running one."""
        with self._studio.changed:
            if self._running == job:
                self._cancelled = job
                self._live = replace(self._live, cancelling=True)

    def calibrate(self, model: str) -> None:
        """Get ``model`` ready and measure it when nothing is waiting."""
        with self._studio.changed:
            if model not in self._to_measure:
                self._to_measure.append(model)
                self._studio.changed.notify_all()

    def live(self, job: str) -> Live | None:
        """What is going on inside ``job``; None unless it runs."""
        with self._studio.changed:
            return self._live if self._running == job else None

    # -- the thread ---------------------------------------------------------------------------

    def _work(self) -> None:
        studio = self._studio
        while True:
            with studio.changed:
                studio.changed.wait_for(lambda: self._closing or self._to_measure or studio.waiting())
                if self._closing:
                    return
                queue = studio.waiting()
                record = queue[0] if queue else None
                model = None if record else self._to_measure.pop(0)
                if record is not None:
                    self._running, self._cancelled, self._live = record.id, None, Live()
                    studio.put(replace(record, state=JobState.RUNNING, message=""))
            if record is not None:
                self._run(record.id)
            elif model is not None:
                self._measure(model)

    def _measure(self, model: str) -> None:
        try:
            engine = self._studio.engine(model)
            engine.prepare()  # while the user is still writing
            if not self._studio.speeds.measured(engine):
                calibrate(engine, self._studio.speeds, stop=self._wanted)
        except Exception as error:  # a forecast without figures is no reason to fall over
            log.warning("The speed of %s could not be measured: %s", model, error)

    def _wanted(self) -> bool:
        """Whether something more important than measuring has turned up."""
        return self._closing or bool(self._studio.waiting())

    def _run(self, job: str) -> None:
        studio = self._studio
        accounting = Accounting(studio.record(job))
        takes: Takes | None = None
        state, message = JobState.FINISHED, ""
        try:
            engine = studio.engine(accounting.record.request.model)
            self._show(job, accounting)
            takes = self._takes(engine, accounting.record)
            accounting.start(engine, takes, studio.speeds)
            studio.put(accounting.record)
            self._show(job, accounting)
            for event in run_takes(engine, takes):
                if accounting.take_in(event):
                    studio.put(accounting.record)
                self._show(job, accounting)
        except _Stopped:
            kept = kept_sentence(accounting.record)
            if self._cancelled == job:
                state, message = JobState.CANCELLED, f"Cancelled. {kept} Press Resume to go on."
            else:
                state = JobState.INTERRUPTED
                message = f"The program was closed while it made this. {kept} Press Resume, or keep it as it is."
        except Exception as error:
            state = JobState.FAILED
            message = failure_message(error, accounting.record, accounting.level, self._report(job, error))
            log.warning("Job %s: %s", job, message)
        finally:
            if takes is not None:
                takes.close()
            with studio.changed:
                self._running = None
                studio.put(replace(accounting.record, state=state, message=message, elapsed=accounting.elapsed))

    def _takes(self, engine: Jukebox, record: JobRecord) -> Takes:
        if record.sample_ids:
            return reopen_takes(engine, self._studio.library, record.sample_ids)
        parent = self._studio.parent(record.request)
        return create_takes(engine, record.request, self._studio.library, parent, record.id)

    def _show(self, job: str, accounting: Accounting) -> None:
        """Publish how far the job is. Raises _Stopped where it was asked to stop."""
        with self._studio.changed:
            self._live = replace(accounting.live, cancelling=self._cancelled == job)
            self._studio.touched(job)
            if self._closing or self._cancelled == job:
                raise _Stopped

    def _report(self, job: str, error: Exception) -> str | None:
        """Keep the traceback of what the user cannot have caused; the name of the file, if it could be written."""
        if isinstance(error, ValueError | OSError) or out_of_memory(error):
            return None
        try:
            return str(self._studio.store.report(job, "".join(traceback.format_exception(error))))
        except StorageError:
            return None
