"""Signals of the session reach a widget for as long as it exists.

psygnal forgets a slot when Python has collected its object, but Qt deletes the widgets of a
closed dock or window earlier than that; calling them then is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakMethod

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from psygnal import SignalInstance
    from qtpy.QtCore import QObject

    from tomoscribe.ui.session import Session


def connect(owner: QObject, signal: SignalInstance, slot: Callable[..., object]) -> None:
    """Call a method on a signal until Qt deletes the method's owner.

    Parameters
    ----------
    owner : QObject
        What the method needs; mostly the widget that it belongs to.
    signal : SignalInstance
        A signal of the session or of what lives as long as the session.
    slot : callable
        A bound method; connecting it again does nothing.
    """
    signal.connect(slot, unique=True)
    method = WeakMethod(slot)

    def let_go() -> None:
        bound = method()
        if bound is not None:
            signal.disconnect(bound, missing_ok=True)

    at_end(owner, let_go)


def lend(owner: QObject, session: Session, actions: Mapping[str, Callable[[], None]]) -> None:
    """Give the session actions for its keys until Qt deletes their owner."""
    session.actions.update(actions)

    def take_back() -> None:
        for name, action in actions.items():
            if session.actions.get(name) is action:  # another dock may have brought its own
                del session.actions[name]

    at_end(owner, take_back)


_waiting: set[Callable[[], None]] = set()
"""Held here, since Qt may call them after Python's collector has emptied them: that crashes."""


def at_end(owner: QObject, call: Callable[[], None]) -> None:
    """Call something when Qt deletes an object; it must not need the object itself."""

    def ended() -> None:
        _waiting.discard(ended)
        call()

    _waiting.add(ended)
    owner.destroyed.connect(ended)
