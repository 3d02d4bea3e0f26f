"""Schedules to and from configs in Keras's format.

A config is untrusted input. The class that it names is looked up in two tables: the schedules of this package, and the
caller's `custom_objects`. No name in it is imported.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np

from ._backend import shown
from .schedules import SCHEDULES, JoinedSchedule
from .schedules._base import LearningRateSchedule

_KERAS = "keras.optimizers.schedules"
_KERAS_MODULES = (_KERAS, "keras.src.optimizers.schedules.learning_rate_schedule")
# The modules by which configs name this package's classes. Another module's class of the same name is another class.
_OUR_MODULES = (
    "cosine_fast",
    "cosine_fast.schedules",
    *(cls.__module__ for cls in SCHEDULES.values()),
    "cosine_fast.integrations.keras",  # as registered there, "cosine_fast>CosineDecay"; it need not be imported
)
_KEYS = {"module", "class_name", "config", "registered_name", "shared_object_id"}
_DEEPEST = 32  # levels of nested lists and dicts; Python's stack ends at some hundreds


def serialize(schedule: LearningRateSchedule) -> dict[str, Any]:
    """Return the schedule as a dict in the format of ``keras.optimizers.schedules.serialize``, for JSON.

    NumPy scalars become Python numbers, and arrays and tuples become lists: a schedule whose rates are float32 comes
    back with rates in float64. A schedule among the parameters of a custom schedule is serialized in its place.

    Parameters
    ----------
    schedule : LearningRateSchedule
        A schedule of this package, or of a class derived from its classes. To read the latter, `deserialize` and Keras
        need that class in ``custom_objects``.

    Returns
    -------
    dict
        With the keys ``module``, ``class_name``, ``config`` and ``registered_name``. Keras's ``deserialize`` makes an
        object of Keras's class from it, `cosine_fast.deserialize` one of this package's.

    Raises
    ------
    TypeError
        If `schedule` is no schedule, or JSON cannot represent what its ``get_config()`` returns.
    ValueError
        If its config has numbers that are not finite or too large for a float, or is nested too deeply.

    See Also
    --------
    deserialize : Makes a schedule from it.
    LearningRateSchedule.get_config : The parameters alone.

    Examples
    --------
    >>> import cosine_fast
    >>> cosine_fast.serialize(cosine_fast.CosineDecay(0.1, 1000))  # doctest: +NORMALIZE_WHITESPACE
    {'module': 'keras.optimizers.schedules', 'class_name': 'CosineDecay',
     'config': {'initial_learning_rate': 0.1, 'decay_steps': 1000, 'alpha': 0.0, 'name': 'CosineDecay',
                'warmup_target': None, 'warmup_steps': 0},
     'registered_name': None}
    """
    return _serialized(schedule, 0)


def deserialize(
    config: Mapping[str, Any], custom_objects: Mapping[str, type[LearningRateSchedule]] | None = None
) -> LearningRateSchedule:
    """Make a schedule from a config that `serialize` or ``keras.optimizers.schedules.serialize`` wrote.

    A config may come from anywhere: its contents are checked, and no name in it is imported.

    Parameters
    ----------
    config : dict
        With the keys ``class_name`` and ``config``, and, in the newer format, ``module`` and ``registered_name``.
    custom_objects : dict, optional
        Further classes, by the ``registered_name`` or ``class_name`` of their configs. They derive from
        `LearningRateSchedule`; their ``from_config`` is called. They take precedence over this package's own.

    Returns
    -------
    LearningRateSchedule
        The schedule, of this package's class with that name or of the one in `custom_objects`.

    Raises
    ------
    ValueError
        If the class is unknown, keys around the parameters are missing or unknown, a parameter is out of its range, a
        number is not finite, or the config is nested too deeply.
    TypeError
        If a parameter is missing, unknown or of another type: a string or a bool for a number.

    See Also
    --------
    serialize : Writes such a config.
    LearningRateSchedule.from_config : Makes a schedule from the parameters alone.

    Examples
    --------
    >>> import cosine_fast
    >>> config = {"class_name": "CosineDecay", "config": {"initial_learning_rate": 0.1, "decay_steps": 1000}}
    >>> cosine_fast.deserialize(config)(500)
    0.05
    >>> cosine_fast.deserialize({"class_name": "os.system", "config": {}})
    Traceback (most recent call last):
    ...
    ValueError: Unknown schedule 'os.system'. A class of one's own has to be given in `custom_objects`.
    """
    if not isinstance(config, Mapping):
        raise TypeError(f"Argument `config` must be a dict. Received: config={shown(config)}")
    if not (custom_objects is None or isinstance(custom_objects, Mapping)):
        raise TypeError(f"Argument `custom_objects` must be a dict. Received: {type(custom_objects).__name__}")
    for key in config:
        if key not in _KEYS:
            raise ValueError(f"Unknown key {shown(key)} in the config of a schedule")
    for key in ("class_name", "config"):
        if key not in config:
            raise ValueError(f"Key {key!r} is missing in the config of a schedule")
    cls = _class_of(config, custom_objects or {})
    if not isinstance(config["config"], Mapping):
        raise TypeError(f"The parameters of {cls.__name__} must be a dict. Received: {shown(config['config'])}")
    parameters = {_key(key): _read(value, 1) for key, value in config["config"].items()}
    if issubclass(cls, JoinedSchedule) and isinstance(schedules := parameters.get("schedules"), list):
        parameters["schedules"] = [deserialize(part, custom_objects) for part in schedules]
    return cls.from_config(parameters)


def with_class(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a config, or, for the parameters of CosineDecay alone, the config that they mean."""
    return tree if tree.keys() & {"class_name", "config"} else {"class_name": "CosineDecay", "config": tree}


def _class_of(
    config: Mapping[str, Any], custom_objects: Mapping[str, type[LearningRateSchedule]]
) -> type[LearningRateSchedule]:
    name, registered, module = (config.get(key) for key in ("class_name", "registered_name", "module"))
    for key, value in (("class_name", name), ("registered_name", registered), ("module", module)):
        if not (isinstance(value, str) or (value is None and key != "class_name")):
            raise TypeError(f"{key!r} in the config of a schedule must be a string. Received: {shown(value)}")
    for known in (registered, name):
        if known is not None and known in custom_objects:
            cls = custom_objects[known]
            if not (isinstance(cls, type) and issubclass(cls, LearningRateSchedule)):
                raise TypeError(
                    f"Argument `custom_objects` must have classes derived from LearningRateSchedule. Received: "
                    f"{known!r}: {shown(cls)}"
                )
            return cls
    own = SCHEDULES.get(str(name))
    modules = (*_OUR_MODULES, *(_KERAS_MODULES if own is None or own._keras else ()))
    ours = registered in (None, name, f"cosine_fast>{name}") and (module in modules or "module" not in config)
    if own is None or not ours:
        whose = "" if module is None or module in modules else f" of {shown(module)}"
        raise ValueError(
            f"Unknown schedule {shown(name)}{whose}. A class of one's own has to be given in `custom_objects`."
        )
    return own


def _serialized(schedule: LearningRateSchedule, depth: int) -> dict[str, Any]:
    if not isinstance(schedule, LearningRateSchedule):
        raise TypeError(f"Argument `schedule` must be a LearningRateSchedule. Received: {shown(schedule)}")
    cls = type(schedule)
    config = schedule.get_config()
    if not isinstance(config, Mapping):
        raise TypeError(f"The get_config() of {cls.__name__} must give a dict. Received: {shown(config)}")
    own = SCHEDULES.get(cls.__name__)
    if own is not cls:
        module, registered = None if cls.__module__ == "__main__" else cls.__module__, cls.__name__
    elif own._keras:
        module, registered = _KERAS, None  # Keras's own class, to Keras
    else:
        module, registered = "cosine_fast", f"cosine_fast>{cls.__name__}"  # a custom object, to Keras
    written = _written(config, depth)
    return {"module": module, "class_name": cls.__name__, "config": written, "registered_name": registered}


def _finite(number: Any) -> Any:
    try:
        finite = math.isfinite(number)
    except OverflowError:
        finite = False
    if not finite:
        raise ValueError(f"A number in a config must be a finite float. Received: {shown(number)}")
    return number


def _deeper(depth: int) -> int:
    if depth == _DEEPEST:
        raise ValueError(f"The config of a schedule is nested more than {_DEEPEST} levels deep")
    return depth + 1


def _written(value: Any, depth: int) -> Any:
    """Return the value as json.dumps takes it."""
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, numbers.Integral):
        return int(_finite(value))
    if isinstance(value, numbers.Real):
        return float(_finite(value))
    depth = _deeper(depth)
    if isinstance(value, (list, tuple)):
        return [_written(item, depth) for item in value]
    if isinstance(value, Mapping):
        return {_key(key): _written(item, depth) for key, item in value.items()}
    if isinstance(value, LearningRateSchedule):
        return _serialized(value, depth)
    raise TypeError(f"JSON has no form for what a schedule's config has: {shown(value)} ({type(value).__name__})")


def _read(value: Any, depth: int) -> Any:
    """Return the value, checked, with lists in place of the dicts that Keras writes for tuples and arrays."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, numbers.Real):
        return _finite(value)
    depth = _deeper(depth)
    if isinstance(value, (list, tuple)):
        return [_read(item, depth) for item in value]
    if isinstance(value, Mapping):
        made, inner = value.get("class_name"), value.get("config")
        if made in ("__numpy__", "__tensor__") and isinstance(inner, Mapping) and "value" in inner:
            return _read(inner["value"], depth)
        if made == "__tuple__" and isinstance(value.get("items"), list):
            return _read(value["items"], depth)
        if isinstance(made, str) and made.startswith("__"):
            raise ValueError(f"The config of a schedule cannot have a {shown(made)}")
        return {_key(key): _read(item, depth) for key, item in value.items()}
    raise TypeError(f"The config of a schedule cannot have {shown(value)} ({type(value).__name__})")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"The keys in a config must be strings. Received: {shown(key)}")
    return key
