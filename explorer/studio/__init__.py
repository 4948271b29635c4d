"""Generation as a service: durable jobs, a queue, one worker per device, followed from anywhere.

Knows the engine and the library. Does not know any page: callers poll snapshots (``JobView``).
"""

from explorer.studio.forecast import Alternative, Forecast, LevelForecast
from explorer.studio.jobs import JobMode, JobRecord, JobRequest, JobState, PromptAudio, StudioError
from explorer.studio.service import Studio
from explorer.studio.views import JobView, LevelState, LevelView

__all__ = [
    "Alternative",
    "Forecast",
    "JobMode",
    "JobRecord",
    "JobRequest",
    "JobState",
    "JobView",
    "LevelForecast",
    "LevelState",
    "LevelView",
    "PromptAudio",
    "Studio",
    "StudioError",
]
