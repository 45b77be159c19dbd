"""Deferrable sensors: they wait in the triggerer and hold no worker."""

from steadycast_sensors.ready import SourceReadySensor, when_ready
from steadycast_sensors.stall import StallSensor

__all__ = ["SourceReadySensor", "StallSensor", "when_ready"]
