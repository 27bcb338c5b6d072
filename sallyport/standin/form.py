"""The fields and files of a form (multipart/form-data), as a provider reads them."""

from __future__ import annotations

import io

from python_multipart import parse_form
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File

from sallyport.standin.script import Refusal
from sallyport.standin.wire import Call


def read_form(call: Call) -> tuple[dict[str, str], dict[str, bytes]]:
    """Fields, and files by the names of their fields. Raises Refusal(400) where the body is no form."""
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}

    def on_field(field: Field) -> None:
        fields[(field.field_name or b"").decode()] = (field.value or b"").decode()

    def on_file(file: File) -> None:
        file.file_object.seek(0)
        files[(file.field_name or b"").decode()] = file.file_object.read()

    head = {"Content-Type": call.headers.get("content-type", "").encode()}
    try:
        parse_form(head, io.BytesIO(call.body), on_field, on_file)
    except (FormParserError, ValueError):
        raise Refusal(400, "Could not parse multipart form") from None
    return fields, files
