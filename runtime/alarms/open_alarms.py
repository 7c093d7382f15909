"""The alarms of a rig, opened around a run: the watch, and the receivers of its events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.rig.secrets import fill_in, fill_in_plain
from coconet.writing.outputs import check_no_input, check_writable

if TYPE_CHECKING:
    from coconet.runtime.alarms.alarm_watch import AlarmWatch


@contextmanager
def open_alarms(rig: Rig, gauge: RunStats, reserve_mb: float | None = None) -> Iterator[AlarmWatch]:
    """Watch the alarms of a rig over the run that `gauge` records, inside the block, and tell whom the rig names.

    reserve_mb: how much of the disk stays free, as spare_bytes takes it.
    Raises CoconetError for a secret that is missing, and MissingPackage for MQTT without its client.
    """
    from coconet.runtime.alarms.alarm_watch import AlarmWatch

    temperature = rig.infrared.temperature
    watch = AlarmWatch(rig.alarm, "celsius" if temperature is None else temperature.unit, gauge.cameras)
    with ExitStack() as stack:
        if rig.alarm:
            if (hook := rig.alarms.webhook) is not None:
                from coconet.runtime.alarms.webhook import Webhook

                secret = None if hook.secret is None else fill_in_plain(hook.secret)
                watch.add(stack.enter_context(Webhook(fill_in(hook.url), secret, hook.timeout_s, hook.tries)))
            if (broker := rig.alarms.mqtt) is not None:
                from coconet.runtime.alarms.mqtt import MqttPublisher

                address = fill_in(broker.address)
                publisher = MqttPublisher(address, broker.topic, broker.qos, retain=broker.retain)
                watch.add(stack.enter_context(publisher))
            if (kept := rig.alarms.recording) is not None:
                from coconet.runtime.alarms.event_recorder import EventRecorder  # it edits rig files, and encodes

                fields = rig.model_dump(mode="json", exclude_defaults=True)
                watch.record_with(stack.enter_context(EventRecorder(kept, fields, reserve_mb=reserve_mb)))
            gauge.on_frame(watch.note)
            gauge.watch_alarms(watch)
        yield watch


def check_alarms(rig: Rig, inputs: Iterable[Path | str | None]) -> None:
    """Refuse, before anything is begun, a folder of recordings that takes none, or is among the inputs of the run.

    Raises Unwritable for the first of these, and CoconetError for the second.
    """
    if rig.alarms.recording is not None and rig.alarm:
        folder = Path(rig.alarms.recording.folder)
        check_no_input([folder], inputs)
        check_writable(folder, made=True)
