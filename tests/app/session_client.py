"""A session of the served page without a browser: it speaks Streamlit's protocol, and keeps what the page shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

PATIENCE_S = 240


class Session:
    """One visitor.

    :ivar elements: what the page shows, by its place on it.
    """

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._socket = connect(
            f"ws://{address.netloc}/_stcore/stream",
            origin=url,
            subprotocols=["streamlit"],
            max_size=None,
            ping_interval=None,
        )
        self.elements: dict[tuple[int, ...], Any] = {}

    def run(
        self,
        page: str = "",
        query: str = "",
        texts: dict[str, str] | None = None,
        numbers: dict[str, float] | None = None,
        press: str = "",
    ) -> None:
        """Run a page as its browser would have it run, until nothing more comes.

        :param page: its name in the address.
        :param texts: what is written in text areas, by their labels.
        :param numbers: what is written in fields for numbers, by their labels.
        :param press: the label of the button that is pressed.
        """
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_name = query, page
        for element in self.all_of("text_area"):
            if texts and element.label in texts:
                widget = state.widget_states.widgets.add()
                widget.id, widget.string_value = element.id, texts[element.label]
        for element in self.all_of("number_input"):
            if numbers and element.label in numbers:
                widget = state.widget_states.widgets.add()
                widget.id, widget.double_value = element.id, numbers[element.label]
        for element in self.all_of("button"):
            if element.label == press:
                widget = state.widget_states.widgets.add()
                widget.id, widget.trigger_value = element.id, True
        self._socket.send(message.SerializeToString())
        for received in self._messages():
            self._take(received)

    def _messages(self) -> Iterator[ForwardMsg]:
        """What comes until the script has run to its end; a script that reruns itself goes on."""
        while True:
            received = ForwardMsg()
            received.ParseFromString(self._socket.recv(timeout=PATIENCE_S))
            yield received
            ended = received.WhichOneof("type") == "script_finished"
            if ended and received.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                return

    def _take(self, received: ForwardMsg) -> None:
        if received.WhichOneof("type") == "new_session":
            self.elements = {}
        if received.WhichOneof("type") == "delta":
            path = tuple(received.metadata.delta_path)
            if received.delta.WhichOneof("type") == "add_block":  # what stood in a block before is gone
                self.elements = {at: part for at, part in self.elements.items() if at[: len(path)] != path}
            element = received.delta.new_element
            kind = element.WhichOneof("type")
            if kind:
                self.elements[path] = getattr(element, kind)

    def all_of(self, *kinds: str) -> list[Any]:
        """The elements of some kinds, from the top of the page to its bottom."""
        names = {
            "code": "Code",
            "markdown": "Markdown",
            "button": "Button",
            "text_area": "TextArea",
            "number_input": "NumberInput",
            "alert": "Alert",
        }
        wanted = {names[kind] for kind in kinds}
        return [part for _, part in sorted(self.elements.items()) if part.DESCRIPTOR.name in wanted]

    def close(self) -> None:
        """Leave."""
        self._socket.close()
