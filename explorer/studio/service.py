"""The studio: takes requests, keeps the queue, and shows every caller the same jobs.

Knows: job records, the queue's order, and the worker thread's life. Does not know: how a sample
is made (``run``), or any page: callers poll snapshots, or wait for the revision to rise.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from explorer.durable import StorageError
from explorer.library import Library, Sample
from explorer.settings import Settings
from explorer.studio.forecast import Forecast, make_forecast
from explorer.studio.jobs import JobRecord, JobRequest, JobState, StudioError
from explorer.studio.messages import kept_sentence
from explorer.studio.run import check_prompt, fitted, given_lengths
from explorer.studio.speed import SpeedBook
from explorer.studio.store import JobStore, new_job_id
from explorer.studio.views import JobView, job_view
from explorer.studio.worker import Worker

if TYPE_CHECKING:
    from explorer.engine import Jukebox

log = logging.getLogger(__name__)

EngineLoader = Callable[[str], "Jukebox"]


class Studio:
    """One queue and one worker thread for the device of ``settings``. All methods may be called from any thread.

    Opening it finds the jobs of earlier runs: those that were running are INTERRUPTED now and can
    be resumed; those that were waiting go on waiting.
    """

    def __init__(self, settings: Settings, library: Library, load_engine: EngineLoader) -> None:
        """Raises StudioError where another process already works on this library."""
        self.settings = settings
        self.library = library
        self.speeds = SpeedBook(settings.speeds)
        self._load_engine = load_engine
        self._engines: dict[str, Jukebox] = {}
        self._engine_guard = threading.Lock()
        self._changed = threading.Condition(threading.RLock())
        self._revision = 0
        self._revisions: dict[str, int] = {}
        self._store = JobStore(settings.jobs)
        self._records: dict[str, JobRecord] = {}
        self._worker = Worker(self)
        for record in self._store.load():
            self._records[record.id] = record
            self._revisions[record.id] = 0
            if record.state is JobState.RUNNING:
                self.put(
                    replace(
                        record,
                        state=JobState.INTERRUPTED,
                        message=f"The program ended while it made this. {kept_sentence(record)} "
                        "Press Resume, or keep it as it is.",
                    )
                )

    # -- life ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the worker thread; without it jobs only queue up."""
        self._worker.start()

    def close(self, timeout: float = 30.0) -> None:
        """Stop after what is finished is on disk; a running job becomes INTERRUPTED."""
        self._worker.stop(timeout)
        self._store.close()

    # -- requests -----------------------------------------------------------------------------

    def submit(self, request: JobRequest) -> str:
        """Queue a request and return its id. Raises StudioError, SongError, AudioError, LibraryError
        or StorageError for one that cannot run; nothing is queued then."""
        self._check(request)
        job = new_job_id()
        if request.prompt is not None:
            kept = self._store.keep_prompt(job, request.prompt.path)
            request = replace(request, prompt=replace(request.prompt, path=kept))
        with self._changed:
            record = JobRecord(
                id=job,
                request=request,
                state=JobState.WAITING,
                created=datetime.now(UTC).isoformat(timespec="seconds"),
                order=self._next_order(),
            )
            try:
                self._store.save(record)
            except StorageError:
                self._store.delete(job)
                raise
            self.put(record, saved=True)
        return job

    def cancel(self, job: str) -> JobView:
        """Stop a waiting or running job; every finished window is kept. Does nothing to one that ended."""
        with self._changed:
            record = self._record(job)
            if record.state is JobState.WAITING:
                kept = kept_sentence(record)
                self.put(replace(record, state=JobState.CANCELLED, message=f"Cancelled before it began. {kept}"))
            elif record.state is JobState.RUNNING:
                self._worker.cancel(job)
                self.put(record)
            return self.job(job)

    def resume(self, job: str) -> JobView:
        """Queue a cancelled, failed or interrupted job again; it goes on behind its last finished window.

        Raises StudioError for a job in any other state.
        """
        with self._changed:
            record = self._record(job)
            if not record.state.resumable:
                raise StudioError(f"This job is {record.state.value}; there is nothing to resume.")
            self.put(replace(record, state=JobState.WAITING, order=self._next_order(), message=""))
            return self.job(job)

    def remove(self, job: str) -> None:
        """Forget a job that is not active; its samples stay. Raises StudioError for an active one."""
        with self._changed:
            if self._record(job).state.active:
                raise StudioError("This job is still waiting or running; cancel it first.")
            self._store.delete(job)
            del self._records[job], self._revisions[job]
            self._touch()

    # -- views --------------------------------------------------------------------------------

    def jobs(self) -> tuple[JobView, ...]:
        """Running first, then the waiting ones in their order, then the ended ones, newest first."""
        with self._changed:
            running = [r for r in self._records.values() if r.state is JobState.RUNNING]
            ended = sorted((r for r in self._records.values() if not r.state.active), key=lambda r: r.id, reverse=True)
            return tuple(self.job(r.id) for r in (*running, *self.waiting(), *ended))

    def job(self, job: str) -> JobView:
        """One job as it stands now. Raises StudioError for an unknown id."""
        with self._changed:
            record = self._record(job)
            queue = [r.id for r in self.waiting()]
            position = queue.index(job) + 1 if job in queue else None
            return job_view(record, self._revisions[job], position, self._worker.live(job))

    @property
    def revision(self) -> int:
        """Rises with every change of any job: pollers compare it before drawing anew."""
        with self._changed:
            return self._revision

    def wait(self, revision: int, timeout: float) -> int:
        """Block until the revision is above ``revision`` or ``timeout`` seconds passed; returns the revision."""
        with self._changed:
            self._changed.wait_for(lambda: self._revision > revision, timeout)
            return self._revision

    def forecast(self, request: JobRequest) -> Forecast:
        """What ``request`` will take here. Loads the model where it is not loaded yet.

        Raises what ``submit`` raises, and CheckpointError for a model that is not there.
        """
        engine = self.engine(request.model)
        parent = self.parent(request)
        request = fitted(engine.config, request, parent)
        lengths = given_lengths(engine.config, request, parent)
        return make_forecast(engine, request, lengths, self.speeds, self.settings)

    def calibrate(self, model: str = "pocket") -> None:
        """Have the worker measure the speed of a model's levels (some seconds) when it is idle next,
        unless it was measured before on this machine."""
        self._worker.calibrate(model)

    def engine(self, model: str = "pocket") -> Jukebox:
        """The engine that jobs use, loaded on first call. One model is kept at a time.

        Raises CheckpointError.
        """
        with self._engine_guard:
            if model not in self._engines:
                # Two large models side by side would not fit; the one in use by a job lives on in it.
                self._engines.clear()
                self._engines[model] = self._load_engine(model)
            return self._engines[model]

    def parent(self, request: JobRequest) -> Sample | None:
        """The sample that a request starts from. Raises LibraryError where it is gone."""
        return None if request.parent_sample is None else self.library.sample(request.parent_sample)

    # -- for the worker -----------------------------------------------------------------------

    @property
    def changed(self) -> threading.Condition:
        return self._changed

    @property
    def store(self) -> JobStore:
        return self._store

    def waiting(self) -> list[JobRecord]:
        """The queue, next one first."""
        with self._changed:
            return sorted((r for r in self._records.values() if r.state is JobState.WAITING), key=lambda r: r.order)

    def record(self, job: str) -> JobRecord:
        with self._changed:
            return self._record(job)

    def put(self, record: JobRecord, saved: bool = False) -> None:
        """Replace a record and tell everybody. A disk that refuses it does not stop the job: the
        samples' own files are what resuming relies on."""
        with self._changed:
            self._records[record.id] = record
            if not saved:
                try:
                    self._store.save(record)
                except StorageError as error:
                    log.warning("The record of job %s could not be stored: %s", record.id, error)
            self._touch(record.id)

    def touched(self, job: str) -> None:
        """Something about a job that is not on disk changed (progress inside a window)."""
        with self._changed:
            self._touch(job)

    # -- inside -------------------------------------------------------------------------------

    def _touch(self, job: str | None = None) -> None:
        self._revision += 1
        if job is not None:
            self._revisions[job] = self._revision
        self._changed.notify_all()

    def _record(self, job: str) -> JobRecord:
        if job not in self._records:
            raise StudioError("This job does not exist any more.")
        return self._records[job]

    def _next_order(self) -> int:
        return max((r.order for r in self._records.values()), default=0) + 1

    def _check(self, request: JobRequest) -> None:
        limits = self.settings.limits
        if request.takes > limits.takes:
            raise StudioError(f"At most {limits.takes} takes can be made at once, not {request.takes}.")
        if len(self.waiting()) >= limits.waiting_jobs:
            raise StudioError(f"{limits.waiting_jobs} jobs are waiting already. Cancel some, or wait.")
        _ = request.songs  # the last take's seed must fit too
        if request.prompt is not None:
            check_prompt(request, limits.prompt_bytes, limits.prompt_seconds)
        if request.parent_sample is not None:
            _ = self.parent(request)
        free = shutil.disk_usage(self.settings.jobs).free
        if free < limits.free_bytes:
            raise StudioError(
                f"Only {free // 2**20} MB are free on the disk of the library. Nothing was started; "
                f"free at least {limits.free_bytes // 2**20} MB."
            )
